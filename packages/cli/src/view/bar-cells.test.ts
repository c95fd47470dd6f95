import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { at } from "../../test/a-pipeline.ts";
import { type BarCell, barCells } from "./bar-cells.ts";
import type { BarSegment } from "./waterfall-row.ts";

const window = { startUnixNano: at(0), endUnixNano: at(1000) };

function segment(from: number, to: number | undefined, category: BarSegment["category"] = "script"): BarSegment {
  return { category, startUnixNano: at(from), endUnixNano: to === undefined ? undefined : at(to), hasFailed: false };
}

/** `.` empty, else eighths of the cell, with `<` when they stand on its right. */
function drawn(cells: readonly BarCell[]): string {
  return cells
    .map((cell) => (cell.kind === "empty" ? "." : `${cell.eighths}${cell.from === "right" ? "<" : ""}`))
    .join(" ");
}

const cases: readonly { name: string; segments: BarSegment[]; width: number; expected: string }[] = [
  { name: "no segment leaves all cells empty", segments: [], width: 4, expected: ". . . ." },
  { name: "the whole window fills all cells", segments: [segment(0, 1000)], width: 4, expected: "8 8 8 8" },
  {
    name: "an open segment grows to the window's end",
    segments: [segment(500, undefined)],
    width: 4,
    expected: ". . 8 8",
  },
  { name: "a bar ends within a cell", segments: [segment(0, 375)], width: 4, expected: "8 4 . ." },
  { name: "a bar begins within a cell", segments: [segment(625, 1000)], width: 4, expected: ". . 4< 8" },
  { name: "a very short segment still shows", segments: [segment(500, 500)], width: 4, expected: ". . 1 ." },
  { name: "one at the very end shows too", segments: [segment(1000, 1000)], width: 4, expected: ". . . 1<" },
  { name: "what began before the window is cut", segments: [segment(-500, 500)], width: 4, expected: "8 8 . ." },
  { name: "no cells, no bar", segments: [segment(0, 1000)], width: 0, expected: "" },
];

for (const { name, segments, width, expected } of cases) {
  test(name, () => assert.equal(drawn(barCells(segments, window, width)), expected));
}

test("a cell shows the category that has most of it", () => {
  const cells = barCells([segment(0, 100, "queue"), segment(100, 1000, "script")], window, 2);
  assert.deepEqual(
    cells.map((cell) => (cell.kind === "filled" ? cell.category : "")),
    ["script", "script"],
  );
});

test("every segment shows in at least one cell when it alone is drawn, whatever its place", () => {
  const places = fc.tuple(
    fc.integer({ min: 0, max: 1000 }),
    fc.integer({ min: 0, max: 1000 }),
    fc.integer({ min: 1, max: 200 }),
  );
  fc.assert(
    fc.property(places, ([from, length, width]) => {
      const cells = barCells([segment(from, Math.min(1000, from + length))], window, width);
      return (
        cells.length === width && cells.some((cell) => cell.kind === "filled" && cell.eighths >= 1 && cell.eighths <= 8)
      );
    }),
  );
});

test("a window without duration draws everything at its begin", () => {
  const point = { startUnixNano: at(0), endUnixNano: at(0) };
  assert.equal(drawn(barCells([segment(0, undefined)], point, 3)), "1 . .");
});
