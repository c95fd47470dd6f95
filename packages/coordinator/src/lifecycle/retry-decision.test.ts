import assert from "node:assert/strict";
import { test } from "node:test";
import { mayFail } from "./allow-failure.ts";
import { findCoverage } from "./find-coverage.ts";
import { isRetriedAfter } from "./retry-decision.ts";

const retryCases: readonly [
  max: number,
  when: string[],
  exitCodes: number[],
  attempt: number,
  reason: string,
  code: number,
  again: boolean,
][] = [
  [0, ["always"], [], 1, "script_failure", 1, false],
  [1, ["always"], [], 1, "script_failure", 1, true],
  [1, ["always"], [], 2, "script_failure", 1, false],
  [2, ["runner_system_failure"], [], 2, "runner_system_failure", 1, true],
  [2, ["runner_system_failure"], [], 1, "script_failure", 1, false],
  [2, [], [137], 1, "script_failure", 137, true],
  [2, [], [137], 1, "script_failure", 1, false],
];
for (const [max, when, exitCodes, attempt, failureReason, exitCode, again] of retryCases) {
  const name = `retry ${max} ${when} ${exitCodes}: attempt ${attempt} with ${failureReason} ${exitCode}`;
  test(`${name} ${again ? "runs again" : "stays failed"}`, () =>
    assert.equal(isRetriedAfter({ max, when, exitCodes }, { attempt, failureReason, exitCode }), again));
}

test("allow_failure goes by the exit code where it names some", () => {
  assert.deepEqual([mayFail(true, 1), mayFail(false, 1)], [true, false]);
  assert.deepEqual(
    [mayFail({ exitCodes: [3] }, 3), mayFail({ exitCodes: [3] }, 1), mayFail({ exitCodes: [3] }, undefined)],
    [true, false, false],
  );
});

test("coverage is the number in the last match", () => {
  assert.equal(findCoverage("Lines: 10%\nLines: 87.5% of 8\n", "Lines: \\d+(?:\\.\\d+)?%"), 87.5);
  assert.equal(findCoverage("Lines: 10%\nLines: 87.5%\n", "Lines: (\\d+\\.?\\d*)%"), 87.5);
  const withHeaders = [
    "2026-08-22T00:00:00.000001Z 01O TOTAL 100  12  8",
    "2026-08-22T00:00:00.000002Z 00O a line of the runner",
    "2026-08-22T00:00:00.000003Z 01O+8%",
  ].join("\n");
  assert.equal(findCoverage(withHeaders, "^TOTAL.*\\s(\\d+)%$"), 88, "lines are searched as they were printed");
  assert.equal(findCoverage("nothing", "Lines: (\\d+)"), undefined);
  assert.equal(findCoverage("anything", "(("), undefined);
});
