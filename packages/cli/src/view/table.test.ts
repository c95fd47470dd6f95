import assert from "node:assert/strict";
import { test } from "node:test";
import { createPalette } from "./palette.ts";
import { tableLines } from "./table.ts";

const palette = createPalette({ hasColour: false });

test("columns are as wide as their widest cell, numbers stand on the right", () => {
  const lines = tableLines(
    [{ title: "job" }, { title: "ms", align: "right" }],
    [
      ["unit", "7"],
      ["日本", "1200"],
    ],
    { palette },
  );
  assert.deepEqual(lines, ["job     ms", "unit     7", "日本  1200"]);
});

test("a long cell is cut and a line break becomes a space", () => {
  const lines = tableLines([{ title: "text" }], [["one\ntwo"], ["x".repeat(20)]], { palette, maxCellWidth: 8 });
  assert.deepEqual(lines, ["text", "one two", "xxxxxxx…"]);
});

test("no rows leave the heading", () => assert.deepEqual(tableLines([{ title: "job" }], [], { palette }), ["job"]));
