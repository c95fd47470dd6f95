import assert from "node:assert/strict";
import { test } from "node:test";
import { aJob, aSpan } from "../../test/a-pipeline.ts";
import { pipelineView } from "./pipeline-view.ts";
import { slowestPath } from "./slowest-path.ts";

/** Jobs as name, queued, started, ended. */
const cases: readonly { name: string; jobs: readonly (readonly [string, number, number, number])[]; path: string[] }[] =
  [
    { name: "one job is the path", jobs: [["a", 0, 10, 500]], path: ["a"] },
    {
      name: "of two side by side the one that ends last",
      jobs: [
        ["a", 0, 10, 500],
        ["b", 0, 10, 900],
      ],
      path: ["b"],
    },
    {
      name: "the job that the last one waited for is on it",
      jobs: [
        ["a", 0, 10, 300],
        ["b", 0, 10, 500],
        ["c", 500, 510, 900],
      ],
      path: ["b", "c"],
    },
    {
      name: "a job that ended after the last one was queued is not",
      jobs: [
        ["a", 0, 10, 300],
        ["b", 0, 10, 800],
        ["c", 300, 310, 900],
      ],
      path: ["a", "c"],
    },
    {
      name: "time spent queueing belongs to the job that queued",
      jobs: [
        ["a", 0, 10, 500],
        ["b", 0, 500, 900],
      ],
      path: ["b"],
    },
    {
      name: "clocks that differ by a few milliseconds do not break it",
      jobs: [
        ["a", 0, 10, 505],
        ["b", 500, 510, 900],
      ],
      path: ["a", "b"],
    },
  ];

for (const { name, jobs, path } of cases) {
  test(name, () => {
    const spans = jobs.flatMap(([job, queued, from, to], index) =>
      aJob({ jobId: index + 1, name: job, queued, stages: [["step_script", from, to]] }),
    );
    const pipeline = pipelineView(spans);
    const { jobIds } = slowestPath(pipeline);
    assert.deepEqual(
      pipeline.jobs
        .filter(({ jobId }) => jobIds.has(jobId))
        .map((job) => job.name)
        .toSorted(),
      path,
    );
  });
}

test("within a job the path follows the spans that came one after the other", () => {
  const spans = [
    ...aJob({
      jobId: 1,
      name: "a",
      queued: 0,
      stages: [
        ["get_sources", 10, 200],
        ["step_script", 200, 900],
      ],
    }),
    aSpan({ name: "quick", from: 300, to: 400, id: "quick", parent: "step_script@200-1" }),
    aSpan({ name: "slow", from: 300, to: 850, id: "slow", parent: "step_script@200-1" }),
  ];
  const { spanIds } = slowestPath(pipelineView(spans));
  assert.deepEqual([...spanIds].toSorted(), ["execution-1", "get_sources@10-1", "slow", "step_script@200-1"]);
});

test("what still runs is on no path", () => {
  const spans = aJob({ jobId: 1, name: "a", queued: 0, stages: [["step_script", 10, undefined]] });
  assert.equal(slowestPath(pipelineView(spans)).jobIds.size, 0);
});
