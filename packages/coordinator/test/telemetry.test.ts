import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { silentLog } from "@jobscope/labkit";
import type { ReadableSpan, SpanProcessor } from "@opentelemetry/sdk-trace";
import { startCoordinator } from "../src/index.ts";
import { runningCoordinator } from "./support/running-coordinator.ts";
import { aRepository, temporaryFolder } from "./support/temporary-repository.ts";
import { TestRunner } from "./support/test-runner.ts";

/** Collects spans as they begin and end. */
function recorder() {
  const started: string[] = [];
  const ended: ReadableSpan[] = [];
  const processor: SpanProcessor = {
    onStart: (span) => void started.push(span.name),
    onEnd: (span) => void ended.push(span),
    forceFlush: async () => {},
    shutdown: async () => {},
  };
  return { started, ended, processor };
}

const endpoints = [{ url: "http://127.0.0.1:4318/v1/traces", auth: { type: "http_bearer_gcp_oidc" } }];
const shipped = { form: "shipped", endpoints } as const;

test("the payload names trace, parent and endpoints; the spans that were named are then sent", async () => {
  const { started, ended, processor } = recorder();
  await using stack = await runningCoordinator("one: { script: [x], retry: 1 }", {
    telemetry: shipped,
    spanProcessors: [processor],
  });
  const pipeline = await stack.coordinator.createPipeline({ repository: stack.repository });
  assert.deepEqual(started, ["pipeline", "job_lifecycle", "job_pending"], "spans begin with what they tell of");
  const first = await stack.runner.nextJob();
  assert.deepEqual(first.features.tracing?.otel_endpoints, endpoints);
  assert.equal(first.features.tracing?.trace_id, pipeline.id.toString(16).padStart(32, "0"));
  assert.equal(first.features.tracing?.span_parent_id, pipeline.jobs()[0]?.runningSpanId);
  await stack.runner.finish(first, { exitCode: 2 });
  await stack.runner.finish(await stack.runner.nextJob());
  await pipeline.finished;

  const root = ended.find(({ name }) => name === "pipeline");
  assert.equal(root?.parentSpanContext, undefined);
  assert.equal(root?.spanContext().spanId, pipeline.view().spanId);
  assert.equal(root?.resource.attributes["service.name"], "gitlab-ci-rails");
  assert.equal(root?.instrumentationScope.name, "gitlab-ci-job-telemetry");
  const lifecycles = ended.filter(({ name }) => name === "job_lifecycle");
  assert.deepEqual(
    lifecycles.map(({ attributes }) => [attributes["ci.job.attempt"], attributes["ci.job.status"]]),
    [
      [1, "failed"],
      [2, "success"],
    ],
  );
  for (const lifecycle of lifecycles) {
    assert.equal(lifecycle.parentSpanContext?.spanId, root?.spanContext().spanId, "attempts are siblings");
    const children = ended.filter(
      ({ parentSpanContext }) => parentSpanContext?.spanId === lifecycle.spanContext().spanId,
    );
    assert.deepEqual(
      children.map(({ name }) => name),
      ["job_pending", "job_running"],
    );
    for (const child of children) assert.ok(within(child, lifecycle), `${child.name} lies within job_lifecycle`);
    assert.ok(root !== undefined && within(lifecycle, root));
  }
  const running = ended.find(({ name }) => name === "job_running");
  assert.equal(running?.spanContext().spanId, first.features.tracing?.span_parent_id);
  assert.deepEqual([running?.status.code, running?.attributes["error.type"]], [2, "script_failure"]);
  assert.equal(ended.length, 7);
  assert.equal(new Set(ended.map((span) => span.spanContext().spanId)).size, 7);
  assert.equal(new Set(ended.map((span) => span.spanContext().traceId)).size, 1);
});

function within(child: ReadableSpan, parent: ReadableSpan): boolean {
  const nanos = ([seconds, rest]: readonly [number, number]) => BigInt(seconds) * 1_000_000_000n + BigInt(rest);
  return nanos(child.startTime) >= nanos(parent.startTime) && nanos(child.endTime) <= nanos(parent.endTime);
}

test("the original form brings a trace context and no endpoints; none brings nothing", async () => {
  await using original = await runningCoordinator("one: { script: [x] }", {
    telemetry: { form: "original", endpoints },
  });
  await original.coordinator.createPipeline({ repository: original.repository });
  const job = await original.runner.nextJob();
  assert.equal(job.features["job_telemetry"], true);
  assert.equal(job.features.tracing, undefined);
  assert.deepEqual(Object.keys(job.trace_context ?? {}), ["trace_id", "span_parent_id"]);

  const { started, processor } = recorder();
  await using none = await runningCoordinator("one: { script: [x] }", { spanProcessors: [processor] });
  await none.coordinator.createPipeline({ repository: none.repository });
  const quiet = await none.runner.nextJob();
  assert.deepEqual(
    [quiet.features.tracing, quiet.features["job_telemetry"], quiet.trace_context],
    [undefined, undefined, undefined],
  );
  assert.deepEqual(started, []);
});

test("a restart goes on with the spans of what was waiting and running", async () => {
  using folder = temporaryFolder();
  const repository = aRepository(join(folder.path, "app"), {
    ".gitlab-ci.yml": "one: { script: [x] }\ntwo: { script: [x] }",
  });
  const options = { listen: "127.0.0.1:0", dataDir: join(folder.path, "data"), log: silentLog, telemetry: shipped };
  const first = recorder();
  const before = await startCoordinator({ ...options, spanProcessors: [first.processor] });
  const { token } = before.createRunnerToken({ description: "r" });
  await before.createPipeline({ repository });
  const running = await new TestRunner(before.url, token).nextJob();
  await before[Symbol.asyncDispose]();
  const second = recorder();
  await using after = await startCoordinator({ ...options, spanProcessors: [second.processor] });
  const runner = new TestRunner(after.url, token);
  await runner.finish(running);
  await runner.finish(await runner.nextJob());
  const named = ({ name, attributes }: ReadableSpan) => `${name} ${attributes["ci.job.name"] ?? ""}`.trim();
  assert.deepEqual([...first.ended, ...second.ended].map(named).sort(), [
    ...["job_lifecycle one", "job_lifecycle two", "job_pending one", "job_pending two"],
    ...["job_running one", "job_running two", "pipeline"],
  ]);
  const ids = [...first.ended, ...second.ended].map((span) => span.spanContext().spanId);
  assert.equal(new Set(ids).size, 7, "each span is sent once");
});

test("only the projects that are named are traced, and a payload names no more than two endpoints", async () => {
  const many = { ...shipped, endpoints: [...endpoints, ...endpoints, ...endpoints] };
  const config = "one: { script: [x] }";
  await using named = await runningCoordinator(config, { telemetry: { ...many, projects: ["local/app"] } });
  await named.coordinator.createPipeline({ repository: named.repository });
  const { tracing } = (await named.runner.nextJob()).features;
  assert.deepEqual(tracing?.otel_endpoints, [...endpoints, ...endpoints]);
  await using other = await runningCoordinator(config, { telemetry: { ...many, projects: ["local/other"] } });
  await other.coordinator.createPipeline({ repository: other.repository });
  assert.equal((await other.runner.nextJob()).features.tracing, undefined);
});

test("sampling leaves a pipeline out as a whole", async () => {
  const { started, processor } = recorder();
  const telemetry = { ...shipped, samplingRatio: 0 };
  await using stack = await runningCoordinator("one: { script: [x] }", { telemetry, spanProcessors: [processor] });
  await stack.coordinator.createPipeline({ repository: stack.repository });
  assert.equal((await stack.runner.nextJob()).features.tracing, undefined);
  assert.deepEqual(started, []);
});

test("skipped and cancelled jobs have a lifecycle, and what fails in a processor harms nobody", async () => {
  const { ended, processor } = recorder();
  const broken: SpanProcessor = {
    ...processor,
    onStart: () => {
      throw new Error("broken");
    },
    onEnd: () => {
      throw new Error("broken");
    },
  };
  await using stack = await runningCoordinator(
    "stages: [a, b]\none: { stage: a, script: [x] }\ntwo: { stage: b, script: [x] }",
    {
      telemetry: shipped,
      spanProcessors: [processor, broken],
    },
  );
  const pipeline = await stack.coordinator.createPipeline({ repository: stack.repository });
  await stack.runner.finish(await stack.runner.nextJob(), { exitCode: 1 });
  assert.equal((await pipeline.finished).state, "failed");
  assert.ok(ended.length > 0);
});
