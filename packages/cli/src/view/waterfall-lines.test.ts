import assert from "node:assert/strict";
import { test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import fc from "fast-check";
import stringWidth from "string-width";
import { aJob, aSpan, at } from "../../test/a-pipeline.ts";
import { createPalette } from "./palette.ts";
import { pipelineView } from "./pipeline-view.ts";
import { slowestPath } from "./slowest-path.ts";
import { waterfallLines } from "./waterfall-lines.ts";
import { waterfallRows } from "./waterfall-row.ts";

const spans = [
  ...aJob({
    jobId: 1,
    name: "unit: [en, EUR]",
    queued: 0,
    stages: [
      ["get_sources", 200, 400, { "ci.git.operation": "fetch" }],
      ["restore_cache", 400, 500, { "ci.cache.hit": "true", "ci.cache.fallback_key": "main" }],
      ["step_script", 500, 1000, { "ci.stage.status": "failed", "ci.stage.exit_code": "3" }],
    ],
    state: "failed",
    attributes: { "ci.job.exit_code": "3" },
  }),
  aSpan({
    name: "section",
    from: 600,
    to: 900,
    id: "s",
    parent: "step_script@500-1",
    attributes: { "ci.section.name": "compile" },
  }),
];
const pipeline = pipelineView(spans);
const window = { startUnixNano: at(0), endUnixNano: at(1000) };

function lines(width: number, hasColour: boolean): string[] {
  return waterfallLines(waterfallRows(pipeline, slowestPath(pipeline)), {
    width,
    palette: createPalette({ hasColour }),
    window,
  });
}

test("without colours categories are told apart by shade, and no escape sequence is written", () => {
  assert.deepEqual(lines(60, false), [
    "                                      ╷0s        ╷0.5s",
    "  test",
    "┃ ✗ unit: [en, EUR] exit 3      800ms ····▒▒▒▒▒░░xxxxxxxxxxx",
    "┃   ✓ get_sources fetch         200ms     ▒▒▒▒▒",
    "┃   ✓ restore_cache fallback…   100ms         ░░░",
    "┃   ✗ step_script exit 3        500ms            xxxxxxxxxxx",
    "┃     ✓ compile                 300ms              ███████",
  ]);
});

test("colours change the look of a line, not its width", () => {
  const widths = (hasColour: boolean) =>
    lines(80, hasColour).map((line) => stringWidth(stripVTControlCharacters(line)));
  const label = (hasColour: boolean) => lines(80, hasColour).map((line) => stripVTControlCharacters(line).slice(0, 34));
  assert.deepEqual(label(true), label(false));
  assert.ok(widths(true).every((width) => width <= 80));
});

test("no line is wider than the terminal, whatever jobs are called", () => {
  const names = fc.string({ unit: "grapheme", maxLength: 60 });
  fc.assert(
    fc.property(names, fc.integer({ min: 40, max: 200 }), fc.boolean(), (name, width, hasColour) => {
      const view = pipelineView(aJob({ jobId: 1, name, queued: 0, stages: [["step_script", 100, 900]] }));
      const look = { width, palette: createPalette({ hasColour }), window };
      return waterfallLines(waterfallRows(view), look).every((line) => stringWidth(line) <= width);
    }),
    { numRuns: 50 },
  );
});

test("a job name cannot move the cursor", () => {
  const view = pipelineView(aJob({ jobId: 1, name: "\u001b[2Jgone", queued: 0, stages: [["step_script", 100, 900]] }));
  const text = waterfallLines(waterfallRows(view), {
    width: 80,
    palette: createPalette({ hasColour: false }),
    window,
  }).join("\n");
  assert.ok(text.includes("gone") && !text.includes("\u001b"));
});
