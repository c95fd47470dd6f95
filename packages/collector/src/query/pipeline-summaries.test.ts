import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { JobSummary, StoredJobState } from "../stored-trace.ts";
import { pipelineSummaries } from "./pipeline-summaries.ts";

let nextJobId = 1;
function aJob(facts: Partial<JobSummary>): JobSummary {
  return {
    jobId: String(nextJobId++),
    traceId: "t",
    name: `job ${nextJobId}`,
    pipelineStage: "test",
    state: "success",
    failureReason: "",
    projectId: "42",
    projectPath: "group/shop",
    pipelineId: "7",
    pipelineSource: "push",
    ref: "main",
    runnerId: "1",
    startUnixNano: 100n,
    durationNano: 10n,
    queuedDurationS: undefined,
    exitCode: undefined,
    allowFailure: false,
    ...facts,
  };
}

const states: { name: string; jobs: Partial<JobSummary>[]; expected: StoredJobState; failedJobs?: number }[] = [
  { name: "all jobs succeed", jobs: [{}, {}], expected: "success" },
  { name: "one fails", jobs: [{}, { state: "failed" }], expected: "failed", failedJobs: 1 },
  { name: "one fails that may", jobs: [{}, { state: "failed", allowFailure: true }], expected: "success" },
  { name: "one runs", jobs: [{ state: "failed" }, { state: "running" }], expected: "running", failedJobs: 1 },
  { name: "one is cancelled", jobs: [{}, { state: "canceled" }], expected: "canceled" },
  {
    name: "a job fails and its retry succeeds",
    jobs: [
      { name: "flaky", state: "failed", startUnixNano: 1n },
      { name: "flaky", startUnixNano: 2n },
    ],
    expected: "success",
  },
];

describe("a pipeline's summary", () => {
  for (const { name, jobs, expected, failedJobs = 0 } of states) {
    test(`says ${expected} when ${name}`, () => {
      const [pipeline] = pipelineSummaries(jobs.map(aJob));
      assert.equal(pipeline?.state, expected);
      assert.equal(pipeline?.failedJobs, failedJobs);
    });
  }

  test("spans from the first start to the last end", () => {
    const [pipeline] = pipelineSummaries([
      aJob({ startUnixNano: 50n, durationNano: 500n }),
      aJob({ startUnixNano: 20n, durationNano: 5n }),
      aJob({ startUnixNano: 90n, durationNano: 1n }),
    ]);
    assert.equal(pipeline?.startUnixNano, 20n);
    assert.equal(pipeline?.durationNano, 530n);
  });

  test("comes latest first, and leaves out jobs of no pipeline", () => {
    const pipelines = pipelineSummaries([
      aJob({ pipelineId: "1", startUnixNano: 1n }),
      aJob({ pipelineId: "2", startUnixNano: 2n }),
      aJob({ pipelineId: "" }),
    ]);
    assert.deepEqual(
      pipelines.map(({ pipelineId }) => pipelineId),
      ["2", "1"],
    );
  });
});
