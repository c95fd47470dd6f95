import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createRateLimit } from "./rate-limit.ts";

test("a sender may use its second's worth at once, then as it refills; others have their own", () => {
  let now = 0;
  const isWithin = createRateLimit(2, () => now);
  assert.deepEqual([isWithin("a"), isWithin("a"), isWithin("a"), isWithin("b")], [true, true, false, true]);
  now = 499;
  assert.equal(isWithin("a"), false);
  now = 1000;
  assert.deepEqual([isWithin("a"), isWithin("a"), isWithin("a")], [true, true, false]);
});

test("what costs more than the bucket holds takes a full one, and is paid off before the next", () => {
  let now = 0;
  const isWithin = createRateLimit(100, () => now);
  assert.deepEqual([isWithin("a", 250), isWithin("a", 1)], [true, false]);
  now = 1500;
  assert.equal(isWithin("a", 1), false);
  now = 1511;
  assert.equal(isWithin("a", 1), true);
});

test("whatever the times of its requests, a sender never gets more than a second's worth and its rate", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50 }),
      fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 300 }),
      (rate, gaps) => {
        let now = 0;
        const isWithin = createRateLimit(rate, () => now);
        let admitted = 0;
        for (const gap of gaps) {
          now += gap;
          if (isWithin("a")) admitted += 1;
        }
        assert.ok(admitted <= rate + (now * rate) / 1000 + 1e-6);
      },
    ),
  );
});
