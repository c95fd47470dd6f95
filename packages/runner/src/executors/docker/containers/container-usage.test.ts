import assert from "node:assert/strict";
import { test } from "node:test";
import { type Usage, usageBetween } from "./container-usage.ts";

const before: Usage = { cpuTimeS: 1, memoryPeakBytes: 100, networkReceiveBytes: 10, networkTransmitBytes: undefined };

test("what a container used between two looks is the difference of its totals", () => {
  const after = { cpuTimeS: 1.5, memoryPeakBytes: 300, networkReceiveBytes: 50, networkTransmitBytes: 7 };
  assert.deepEqual(usageBetween(before, after), {
    cpuTimeS: 0.5,
    memoryPeakBytes: 300,
    networkReceiveBytes: 40,
    networkTransmitBytes: undefined,
  });
});

test("a peak of memory that was there before is not taken for one of the time between", () => {
  assert.equal(usageBetween(before, { ...before, cpuTimeS: 2 }).memoryPeakBytes, undefined);
});
