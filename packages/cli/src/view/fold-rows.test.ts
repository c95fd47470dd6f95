import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { aJob } from "../../test/a-pipeline.ts";
import { foldRows } from "./fold-rows.ts";
import { type KnownJob, pipelineView } from "./pipeline-view.ts";
import { waterfallRows } from "./waterfall-row.ts";

const unknown = { reason: "", queuedUnixNano: undefined, startUnixNano: undefined, endUnixNano: undefined };
const stages = (from: number, to: number | undefined) =>
  [
    ["get_sources", from, from + 10],
    ["step_script", from + 10, to],
  ] as const;

const known: KnownJob[] = [
  { jobId: 1, name: "first", pipelineStage: "build", state: "success", ...unknown },
  { jobId: 2, name: "second", pipelineStage: "build", state: "success", ...unknown },
  { jobId: 3, name: "broken", pipelineStage: "test", state: "failed", ...unknown },
  { jobId: 4, name: "busy", pipelineStage: "test", state: "running", ...unknown },
  { jobId: 5, name: "later", pipelineStage: "deploy", state: "waiting", ...unknown },
  { jobId: 6, name: "last", pipelineStage: "deploy", state: "waiting", ...unknown },
];
const rows = waterfallRows(
  pipelineView(
    [
      ...aJob({ jobId: 1, name: "first", queued: 0, stages: stages(0, 100) }),
      ...aJob({ jobId: 2, name: "second", queued: 0, stages: stages(0, 200) }),
      ...aJob({ jobId: 3, name: "broken", queued: 0, stages: stages(0, 150), state: "failed" }),
      ...aJob({ jobId: 4, name: "busy", queued: 0, stages: stages(0, undefined) }),
    ],
    known,
  ),
);

function labels(maxRows: number): string {
  return foldRows(rows, maxRows)
    .map(({ label, kind }) => (kind === "span" ? `+${label}` : label))
    .join(" ");
}

const cases: readonly { maxRows: number; what: string; expected: string }[] = [
  {
    maxRows: 17,
    what: "everything",
    expected:
      "build first +get_sources +step_script second +get_sources +step_script test broken +get_sources +step_script busy +get_sources +step_script deploy later last",
  },
  {
    maxRows: 16,
    what: "without the spans of what went well first",
    expected:
      "build first second +get_sources +step_script test broken +get_sources +step_script busy +get_sources +step_script deploy later last",
  },
  {
    maxRows: 11,
    what: "without the spans of anything that is over",
    expected: "build first second test broken busy +get_sources +step_script deploy later last",
  },
  { maxRows: 8, what: "without headings", expected: "first second broken busy +get_sources +step_script later last" },
  {
    maxRows: 7,
    what: "waiting jobs as one line",
    expected: "first second broken busy +get_sources +step_script 2 jobs have not begun",
  },
  {
    maxRows: 6,
    what: "passed jobs as one line",
    expected: "2 jobs are done broken busy +get_sources +step_script 2 jobs have not begun",
  },
  { maxRows: 4, what: "jobs only", expected: "2 jobs are done broken busy 2 jobs have not begun" },
  { maxRows: 3, what: "a count of the rest", expected: "2 jobs are done broken 2 more" },
];
for (const { maxRows, what, expected } of cases) {
  test(`${maxRows} rows show ${what}`, () => assert.equal(labels(maxRows), expected));
}

test("the result never has more rows than there is room for", () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 30 }), (maxRows) => foldRows(rows, maxRows).length <= maxRows));
});
