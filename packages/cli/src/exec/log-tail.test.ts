import assert from "node:assert/strict";
import { test } from "node:test";
import { logTail } from "./log-tail.ts";

const stamp = (flag: " " | "+") => `2026-08-22T00:00:00.000001Z 01O${flag}`;
const cases: readonly { name: string; log: string; expected: string[] }[] = [
  { name: "plain lines stay", log: "one\ntwo\n", expected: ["one", "two"] },
  {
    name: "colours go",
    log: "\u001b[31;1mERROR: Job failed: exit status 3\u001b[0;m\n",
    expected: ["ERROR: Job failed: exit status 3"],
  },
  { name: "headers go", log: `${stamp(" ")}one\n${stamp(" ")}two\n`, expected: ["one", "two"] },
  { name: "a continued line is one line", log: `${stamp(" ")}one, \n${stamp("+")}two\n`, expected: ["one, two"] },
  {
    name: "section markers go, what follows them stays",
    log: `${stamp(" ")}section_start:17:build\r\u001b[0K\n${stamp("+")}\u001b[0KBuilding\n`,
    expected: ["Building"],
  },
  { name: "of a progress bar the last state stays", log: "10 %\r50 %\r100 %\n", expected: ["100 %"] },
  { name: "a line that ends with a carriage return is not lost", log: "windows\r\n", expected: ["windows"] },
  {
    name: "what the runner said before the script goes",
    log: 'Fetching changes...\n\u001b[0K\u001b[36;1mExecuting "step_script" stage of the job script\u001b[0;m\n$ false\n',
    expected: ["$ false"],
  },
  { name: "empty lines go", log: "one\n\n  \ntwo", expected: ["one", "two"] },
];
for (const { name, log, expected } of cases) {
  test(name, () => assert.deepEqual(logTail(new TextEncoder().encode(log), 10), expected));
}

test("no more lines than asked for are given, and those are the last", () => {
  assert.deepEqual(logTail(new TextEncoder().encode("1\n2\n3\n4\n"), 2), ["3", "4"]);
});

test("a log that was cut within a character still has its lines", () => {
  const bytes = new TextEncoder().encode("ä one\ntwo\n").subarray(1);
  assert.equal(logTail(bytes, 10).at(-1), "two");
});
