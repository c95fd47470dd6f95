import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { ReadableSpan, SpanProcessor } from "@opentelemetry/sdk-trace";
import { runningCoordinator } from "./support/running-coordinator.ts";
import { write } from "./support/temporary-repository.ts";
import type { TestPayload } from "./support/test-runner.ts";

const config = {
  ".gitlab-ci.yml": `
stages: [trigger, after]
child:
  stage: trigger
  variables: { COLOUR: "light-$SHADE", SHADE: blue }
  trigger: { include: child.yml, strategy: depend }
after: { stage: after, script: [x] }
`,
  "child.yml":
    'inner: { script: [x], rules: [{ if: \'$COLOUR == "light-blue" && $CI_PIPELINE_SOURCE == "parent_pipeline"\' }] }',
};

function valueIn(job: TestPayload, key: string): string | undefined {
  return job.variables.find((variable) => variable.key === key)?.value;
}

test("a trigger job runs a child pipeline in the same trace and waits for it", async () => {
  const ended: ReadableSpan[] = [];
  const processor: SpanProcessor = {
    onStart: () => {},
    onEnd: (span) => void ended.push(span),
    forceFlush: async () => {},
    shutdown: async () => {},
  };
  await using stack = await runningCoordinator(config, {
    telemetry: { form: "shipped", endpoints: [] },
    spanProcessors: [processor],
  });
  const { coordinator, repository, runner } = stack;
  const pipeline = await coordinator.createPipeline({ repository });
  const inner = await runner.nextJob();
  assert.equal(inner.job_info.name, "inner");
  assert.equal(valueIn(inner, "COLOUR"), "light-blue");
  assert.deepEqual(
    ["CI_UPSTREAM_PIPELINE_ID", "CI_UPSTREAM_JOB_ID"].map((key) => valueIn(inner, key)),
    [String(pipeline.id), String(pipeline.jobs()[0]?.id)],
  );
  assert.equal(inner.features.tracing?.trace_id, pipeline.view().traceId);
  assert.equal(pipeline.jobs()[0]?.state, "running");
  await runner.finish(inner);
  const after = await runner.nextJob();
  assert.equal(after.job_info.name, "after");
  await runner.finish(after);
  assert.equal((await pipeline.finished).state, "success");
  const spanOf = (name: string, job: string) =>
    ended.find((span) => span.name === name && span.attributes["ci.job.name"] === job);
  assert.equal(
    spanOf("job_lifecycle", "inner")?.parentSpanContext?.spanId,
    spanOf("job_lifecycle", "child")?.spanContext().spanId,
  );
  assert.equal(ended.filter(({ name }) => name === "pipeline").length, 1);
});

test("a failing child fails its trigger job; one that cannot be made says why; cancelling goes down", async () => {
  await using stack = await runningCoordinator({
    ...config,
    "broken.yml": "inner: { script: [x], nonsense: 1 }",
  });
  const { coordinator, repository, runner } = stack;
  const failing = await coordinator.createPipeline({ repository });
  await runner.finish(await runner.nextJob(), { exitCode: 1 });
  assert.equal((await failing.finished).state, "failed");
  assert.equal(failing.jobs()[0]?.failureReason, "downstream_pipeline_failed");

  const canceled = await coordinator.createPipeline({ repository });
  const job = await runner.nextJob();
  canceled.cancel({ force: true });
  assert.equal((await runner.patch(job, "x", 0)).headers.get("job-status"), "canceling");

  write(repository, { ".gitlab-ci.yml": "child: { trigger: { include: broken.yml } }" });
  const broken = await coordinator.createPipeline({ repository });
  assert.equal((await broken.finished).state, "failed");
  const [trigger] = broken.jobs();
  const log = Buffer.from(await coordinator.readJobLog(trigger?.id ?? 0)).toString();
  assert.match(log, /broken\.yml: job "inner": unknown keyword "nonsense"/);
});

test("a child pipeline can come out of an artifact; the parent's wait includes children that it does not depend on", async () => {
  await using stack = await runningCoordinator(`
stages: [make, run]
make: { stage: make, script: [x], artifacts: { paths: [made.yml] } }
run: { stage: run, trigger: { include: [{ artifact: made.yml, job: make }] } }
`);
  const { coordinator, repository, runner, folder } = stack;
  const pipeline = await coordinator.createPipeline({ repository });
  const make = await runner.nextJob();
  write(folder, { "made.yml": "made: { script: [x] }" });
  execFileSync("zip", ["-q", "made.zip", "made.yml"], { cwd: folder });
  await runner.upload(
    make,
    "artifact_type=archive",
    "made.zip",
    new Uint8Array(readFileSync(join(folder, "made.zip"))),
  );
  await runner.finish(make);
  const made = await runner.nextJob();
  assert.equal(made.job_info.name, "made");
  let isFinished = false;
  void pipeline.finished.then(() => {
    isFinished = true;
  });
  assert.equal(pipeline.view().state, "success");
  await runner.put(made, { state: "running" });
  assert.equal(isFinished, false);
  await runner.finish(made);
  await pipeline.finished;
});

test("a new pipeline of the same ref cancels older ones that may be interrupted", async () => {
  await using stack = await runningCoordinator("one: { script: [x], interruptible: true }\ntwo: { script: [x] }");
  const { coordinator, repository, runner } = stack;
  const first = await coordinator.createPipeline({ repository });
  const one = await runner.nextJob();
  write(repository, { other: "commit" });
  const second = await coordinator.createPipeline({ repository });
  assert.deepEqual(
    first.jobs().map(({ state }) => state),
    ["canceling", "canceled"],
  );
  await runner.put(one, { state: "failed", failure_reason: "job_canceled" });
  await runner.nextJob();
  await runner.nextJob();
  write(repository, { other: "again" });
  await coordinator.createPipeline({ repository });
  assert.deepEqual(
    second.jobs().map(({ state }) => state),
    ["running", "running"],
    "a job that must go on has started",
  );
});

test("inputs of a trigger fill in the child's configuration", async () => {
  await using stack = await runningCoordinator({
    ".gitlab-ci.yml": "child: { trigger: { include: child.yml, inputs: { word: hello }, strategy: mirror } }",
    "child.yml": "spec: { inputs: { word: {} } }\n---\n'say $[[ inputs.word ]]': { script: [x] }",
  });
  const pipeline = await stack.coordinator.createPipeline({ repository: stack.repository });
  const job = await stack.runner.nextJob();
  assert.equal(job.job_info.name, "say hello");
  assert.equal(pipeline.jobs()[0]?.state, "running");
  await stack.runner.finish(job);
  assert.equal((await pipeline.finished).state, "success");
});

test("a retried job of a child pipeline reopens the trigger job, and what came after it gets another chance", async () => {
  await using stack = await runningCoordinator({
    ".gitlab-ci.yml":
      "stages: [a, b]\nchild: { stage: a, trigger: { include: child.yml, strategy: depend } }\nafter: { stage: b, script: [x] }",
    "child.yml": "inner: { script: [x] }",
  });
  const { coordinator, repository, runner } = stack;
  const pipeline = await coordinator.createPipeline({ repository });
  const inner = await runner.nextJob();
  await runner.finish(inner, { exitCode: 1 });
  const states = () => pipeline.jobs().map(({ name, state }) => `${name} ${state}`);
  assert.deepEqual(states(), ["child failed", "after skipped"]);
  coordinator.retryJob(inner.id);
  assert.deepEqual(states(), ["child running", "after created"]);
  await runner.finish(await runner.nextJob());
  await runner.finish(await runner.nextJob());
  assert.deepEqual(states(), ["child success", "after success"]);
});
