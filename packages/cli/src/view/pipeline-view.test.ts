import assert from "node:assert/strict";
import { test } from "node:test";
import { aJob, aSpan, at } from "../../test/a-pipeline.ts";
import { createPalette } from "./palette.ts";
import { jobCounts } from "./pipeline-report.ts";
import { type KnownJob, pipelineView, walk } from "./pipeline-view.ts";

const unknown = { reason: "", queuedUnixNano: undefined, startUnixNano: undefined, endUnixNano: undefined };

function only(spans: Parameters<typeof pipelineView>[0], known?: readonly KnownJob[]) {
  const [job] = pipelineView(spans, known).jobs;
  assert.ok(job !== undefined);
  return job;
}

test("a job's queue, start and end come from the coordinator's spans, its tree from the runner's", () => {
  const job = only(
    aJob({
      jobId: 7,
      name: "unit",
      queued: 0,
      stages: [
        ["get_sources", 100, 200],
        ["step_script", 200, 900],
      ],
    }),
  );
  assert.deepEqual([job.name, job.pipelineStage, job.state], ["unit", "test", "success"]);
  assert.deepEqual([job.queuedUnixNano, job.startUnixNano, job.endUnixNano], [at(0), at(100), at(900)]);
  assert.deepEqual(
    job.execution?.children.map(({ span }) => span.name),
    ["get_sources", "step_script"],
  );
});

test("a trace of a runner alone, without the coordinator's spans, shows its jobs all the same", () => {
  const spans = aJob({ jobId: 7, name: "unit", queued: 0, stages: [["step_script", 100, 900]] });
  const job = only(spans.filter(({ name }) => !["job_lifecycle", "job_pending", "job_running"].includes(name)));
  assert.deepEqual(
    [job.name, job.state, job.queuedUnixNano, job.startUnixNano],
    ["unit", "success", undefined, at(100)],
  );
});

const states: readonly { name: string; facts: Partial<Parameters<typeof aJob>[0]>; state: string; reason: string }[] = [
  {
    name: "a script that fails",
    facts: { state: "failed", attributes: { "ci.job.exit_code": "3" } },
    state: "failed",
    reason: "exit 3",
  },
  {
    name: "a failure that is allowed",
    facts: { state: "failed", attributes: { "ci.job.exit_code": "3", "ci.job.allow_failure": "true" } },
    state: "warning",
    reason: "exit 3",
  },
  {
    name: "a failure of the system",
    facts: { state: "failed", attributes: { "ci.job.failure_reason": "runner_system_failure" } },
    state: "failed",
    reason: "runner system failure",
  },
  { name: "a cancelled job", facts: { state: "canceled" }, state: "canceled", reason: "" },
  { name: "a job that runs", facts: { stages: [["step_script", 100, undefined]] }, state: "running", reason: "" },
];
for (const { name, facts, state, reason } of states) {
  test(`${name} is shown as ${state}`, () => {
    const job = only(aJob({ jobId: 7, name: "unit", queued: 0, stages: [["step_script", 100, 900]], ...facts }));
    assert.deepEqual([job.state, job.reason], [state, reason]);
  });
}

test("a failed attempt that another one followed is shown as retried, and counted apart from what may fail", () => {
  const attempt = (jobId: number, number: number, state: "success" | "failed") =>
    aJob({
      ...{ jobId, name: "flaky", queued: 0, state, stages: [["step_script", jobId * 100, jobId * 100 + 50]] },
      attributes: { "ci.job.attempt": String(number), "ci.job.exit_code": state === "failed" ? "75" : "0" },
    });
  const view = pipelineView([...attempt(1, 1, "failed"), ...attempt(2, 2, "success")]);
  assert.deepEqual(
    view.jobs.map(({ state, reason }) => [state, reason]),
    [
      ["retried", "exit 75"],
      ["success", ""],
    ],
  );
  assert.equal(jobCounts(view, createPalette({ hasColour: false })), "↻ 1 failed, retried  ✓ 1 passed");
});

test("jobs that the coordinator named come first, in its order, whether they have spans or not", () => {
  const known = [
    { jobId: 9, name: "lint", pipelineStage: "build", state: "waiting", ...unknown },
    { jobId: 7, name: "unit", pipelineStage: "test", state: "running", ...unknown },
  ] as const;
  const { jobs } = pipelineView(
    aJob({ jobId: 7, name: "unit", queued: 0, stages: [["step_script", 1, undefined]] }),
    known,
  );
  assert.deepEqual(
    jobs.map(({ name }) => name),
    ["lint", "unit"],
  );
});

test("a pipeline has no end while a job is open, and that of its last span afterwards", () => {
  const open = aJob({ jobId: 7, name: "unit", queued: 0, stages: [["step_script", 100, undefined]] });
  assert.equal(pipelineView(open).endUnixNano, undefined);
  const closed = aJob({ jobId: 7, name: "unit", queued: 0, stages: [["step_script", 100, 900]] });
  assert.equal(pipelineView(closed).endUnixNano, at(900));
});

test("spans that name each other as parent do not hang the view", () => {
  const spans = [
    ...aJob({ jobId: 7, name: "unit", queued: 0, stages: [["step_script", 100, 900]] }),
    aSpan({ name: "a", from: 200, to: 300, id: "a", parent: "step_script@100-7" }),
    aSpan({ name: "b", from: 200, to: 300, id: "b", parent: "a" }),
    aSpan({ name: "a", from: 200, to: 300, id: "a", parent: "b" }),
  ];
  const { execution } = only(spans);
  assert.ok(execution !== undefined);
  assert.deepEqual(
    [...walk(execution)].map(({ span }) => span.name),
    ["job_execution", "step_script", "a", "b"],
  );
});

test("no spans make an empty pipeline", () => {
  assert.deepEqual(pipelineView([]), {
    traceId: undefined,
    startUnixNano: undefined,
    endUnixNano: undefined,
    jobs: [],
  });
});
