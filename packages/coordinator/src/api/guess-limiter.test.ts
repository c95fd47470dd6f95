import assert from "node:assert/strict";
import { test } from "node:test";
import { GuessLimiter } from "./guess-limiter.ts";

test("an address that guesses too often is shut out for a minute, others are not", () => {
  let now = 0;
  const limiter = new GuessLimiter(() => now);
  for (let count = 0; count < 299; count += 1) limiter.count("a");
  assert.equal(limiter.isShutOut("a"), false);
  limiter.count("a");
  assert.deepEqual([limiter.isShutOut("a"), limiter.isShutOut("b")], [true, false]);
  now = 60_000;
  assert.equal(limiter.isShutOut("a"), false);
});
