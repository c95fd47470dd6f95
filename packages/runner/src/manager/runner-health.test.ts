import assert from "node:assert/strict";
import { test } from "node:test";
import { RunnerHealth } from "./runner-health.ts";

const limits = { unhealthyRequestsLimit: 3, unhealthyIntervalMs: 1000 };

test("three refusals in a row make the runner rest, then it tries once (runner-protocol.md §1.7)", () => {
  const health = new RunnerHealth(limits);
  assert.deepEqual([health.noteRefusal(0), health.noteRefusal(1), health.noteRefusal(2)], [false, false, true]);
  assert.deepEqual([health.mayAsk(1001), health.mayAsk(1002)], [false, true]);
  assert.equal(health.noteRefusal(1002), true);
  assert.equal(health.mayAsk(2001), false);
});

test("any other answer makes it healthy again", () => {
  const health = new RunnerHealth(limits);
  health.noteRefusal(0);
  health.noteRefusal(0);
  health.noteAnswer();
  assert.deepEqual([health.noteRefusal(0), health.noteRefusal(0)], [false, false]);
  assert.equal(health.mayAsk(0), true);
});
