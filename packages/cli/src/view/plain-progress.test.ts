import assert from "node:assert/strict";
import { test } from "node:test";
import { aJob } from "../../test/a-pipeline.ts";
import { pipelineView } from "./pipeline-view.ts";
import { plainProgress } from "./plain-progress.ts";

const running = aJob({
  jobId: 1,
  name: "unit",
  queued: 0,
  stages: [
    ["get_sources", 100, 300],
    ["step_script", 300, undefined],
  ],
});
const ended = aJob({
  jobId: 1,
  name: "unit",
  queued: 0,
  stages: [
    ["get_sources", 100, 300],
    ["step_script", 300, 2300, { "ci.stage.status": "failed" }],
  ],
  state: "failed",
  attributes: { "ci.job.exit_code": "3" },
});

test("a job tells its start, the end of each stage and its own end, each once", () => {
  const first = plainProgress(pipelineView(running), new Set());
  assert.deepEqual(first.lines, ["00:00.1  ● unit: started", "00:00.3    unit: get_sources 200ms"]);
  const second = plainProgress(pipelineView(ended), first.told);
  assert.deepEqual(second.lines, [
    "00:02.3    unit: step_script 2.00s failed",
    "00:02.3  ✗ unit: failed after 2.20s (exit 3)",
  ]);
  assert.deepEqual(plainProgress(pipelineView(ended), second.told).lines, []);
});

test("a failure that is allowed says so", () => {
  const spans = aJob({
    jobId: 1,
    name: "spelling",
    queued: 0,
    stages: [["step_script", 0, 1000]],
    state: "failed",
    attributes: { "ci.job.allow_failure": "true" },
  });
  assert.ok(
    plainProgress(pipelineView(spans), new Set()).lines.includes(
      "00:01.0  ! spelling: failed, which is allowed, after 1.00s",
    ),
  );
});
