import assert from "node:assert/strict";
import { test } from "node:test";
import { aJob } from "../../test/a-pipeline.ts";
import { pipelineView } from "./pipeline-view.ts";
import { slowestPath } from "./slowest-path.ts";
import { whereTimeWent } from "./where-time-went.ts";

function millis(spans: Parameters<typeof pipelineView>[0]) {
  const pipeline = pipelineView(spans);
  const times = whereTimeWent(pipeline, slowestPath(pipeline));
  const asMs = (of: "allJobsNano" | "slowestPathNano") =>
    Object.fromEntries(times.map((time) => [time.category, Number(time[of] / 1_000_000n)]));
  return { allJobs: asMs("allJobsNano"), path: asMs("slowestPathNano") };
}

const everyStage = [
  ["prepare_executor", 100, 110],
  ["get_sources", 120, 220],
  ["restore_cache", 220, 250],
  ["download_artifacts", 250, 270],
  ["step_script", 270, 770],
  ["after_script", 770, 800],
  ["archive_cache", 800, 840],
  ["upload_artifacts", 840, 890],
  ["cleanup_file_variables", 890, 900],
] as const;

test("each stage counts for its category, the rest of the job as other", () => {
  const { allJobs } = millis(aJob({ jobId: 1, name: "a", queued: 0, stages: everyStage }));
  assert.deepEqual(allJobs, { queue: 100, images: 0, sources: 100, cache: 70, script: 530, artifacts: 70, other: 30 });
});

test("the slowest path's times add up to the pipeline's duration, gaps included", () => {
  const spans = [
    ...aJob({ jobId: 1, name: "a", queued: 0, stages: everyStage }),
    ...aJob({ jobId: 2, name: "b", queued: 0, stages: [["step_script", 100, 400]] }),
    ...aJob({ jobId: 3, name: "c", queued: 950, stages: [["step_script", 1000, 1500]] }),
  ];
  const { path, allJobs } = millis(spans);
  assert.equal(
    Object.values(path).reduce((sum, ms) => sum + ms),
    1500,
  );
  assert.deepEqual([path["script"], path["other"], path["queue"]], [1030, 80, 150]);
  assert.equal(allJobs["script"], 1330);
});

test("images that are pulled beside each other, within prepare_executor, are counted once", () => {
  const stages = [
    ["prepare_executor", 0, 500],
    ["pull_image", 100, 400],
    ["pull_image", 150, 420],
    ["pull_image", 440, 450],
    ["step_script", 500, 900],
  ] as const;
  const { allJobs } = millis(aJob({ jobId: 1, name: "a", queued: 0, stages }));
  assert.deepEqual([allJobs["images"], allJobs["other"], allJobs["script"]], [330, 170, 400]);
});
