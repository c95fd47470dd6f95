import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RequestLimit } from "./request-limit.ts";

test("the limit grows with jobs and shrinks under pressure (runner-protocol.md §6.7)", () => {
  const limit = new RequestLimit({ requestConcurrency: 4, isAdaptive: true });
  assert.equal(limit.current, 1);
  for (let count = 0; count < 20; count += 1) limit.note("job");
  assert.equal(limit.current, 4);
  limit.note("under-pressure");
  assert.equal(limit.current, 2);
});

test("without the feature flag it is what the configuration says", () => {
  const limit = new RequestLimit({ requestConcurrency: 4, isAdaptive: false });
  limit.note("under-pressure");
  assert.equal(limit.current, 4);
});

test("it never leaves 1 to request_concurrency", () => {
  const result = fc.constantFrom("job" as const, "no-job" as const, "under-pressure" as const);
  fc.assert(
    fc.property(fc.integer({ min: -3, max: 50 }), fc.array(result), (requestConcurrency, results) => {
      const limit = new RequestLimit({ requestConcurrency, isAdaptive: true });
      for (const one of results) {
        limit.note(one);
        assert.ok(limit.current >= 1 && limit.current <= Math.max(1, requestConcurrency));
      }
    }),
  );
});
