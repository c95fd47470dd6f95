import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDuration } from "./duration.ts";

/** Source: GitLab documentation of `artifacts:expire_in` and `timeout`. */
const cases: readonly [text: string, seconds: number | undefined][] = [
  ["42", 42],
  ["42 seconds", 42],
  ["3 mins 4 sec", 184],
  ["2 hrs 20 min", 8400],
  ["2h20min", 8400],
  ["1h 30m", 5400],
  ["6 mos 1 day", 15_638_400],
  ["47 yrs 6 mos and 4d", 47 * 31_557_600 + 6 * 2_592_000 + 4 * 86_400],
  ["3 weeks and 2 days", 1_987_200],
  ["1 week", 604_800],
  ["", undefined],
  ["soon", undefined],
  ["5 parsecs", undefined],
];

for (const [text, seconds] of cases) {
  test(`"${text}" is ${seconds ?? "no duration"}`, () => assert.equal(parseDuration(text), seconds));
}
