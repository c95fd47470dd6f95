import assert from "node:assert/strict";
import { test } from "node:test";
import { JobSlots } from "./job-slots.ts";

const numbers = ({ concurrentId, concurrentProjectId }: ReturnType<JobSlots["take"]>) => [
  concurrentId,
  concurrentProjectId,
];

test("jobs get the lowest free numbers of their runner token, and of token and project (runner-protocol.md §3.3)", () => {
  const slots = new JobSlots();
  const first = slots.take("a", 1);
  const second = slots.take("a", 2);
  const third = slots.take("a", 1);
  assert.deepEqual([first, second, third].map(numbers), [
    [0, 0],
    [1, 0],
    [2, 1],
  ]);
  assert.deepEqual(numbers(slots.take("b", 1)), [0, 0]);
  first[Symbol.dispose]();
  assert.deepEqual(numbers(slots.take("a", 1)), [0, 0]);
});
