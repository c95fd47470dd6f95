import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createJobTokens, createToken } from "./tokens.ts";

test("a job token names its job and hand-out, and only with the right key", () => {
  const tokens = createJobTokens(new Uint8Array(32).fill(1));
  const others = createJobTokens(new Uint8Array(32).fill(2));
  fc.assert(
    fc.property(fc.nat({ max: 1e9 }), fc.nat({ max: 1e6 }), (jobId, handout) => {
      const token = tokens.create(jobId, handout);
      assert.deepEqual(tokens.read(token), { jobId, handout });
      assert.equal(others.read(token), undefined);
      assert.equal(tokens.read(token.replace(`${jobId}x`, `${jobId + 1}x`)), undefined);
    }),
  );
  fc.assert(fc.property(fc.string(), (text) => assert.equal(tokens.read(text), undefined)));
});

test("runner tokens are never the same twice", () => {
  const made = new Set(Array.from({ length: 1000 }, () => createToken("glrt-")));
  assert.equal(made.size, 1000);
});
