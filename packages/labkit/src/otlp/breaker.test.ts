import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { createBreaker } from "./breaker.ts";

const options = { initialBackoffMs: 100, maxBackoffMs: 1_000, maxRetryAfterMs: 5_000, unauthorizedPauseMs: 60_000 };
const breakerWithout = { jitter: () => createBreaker({ ...options, random: () => 1 }) };

describe("the breaker of an endpoint", () => {
  test("a failure makes it wait, twice as long each time, up to a bound", () => {
    const breaker = breakerWithout.jitter();
    let nowMs = 0;
    for (const waitMs of [100, 200, 400, 800, 1_000, 1_000]) {
      assert.equal(breaker.tryStart(nowMs), true);
      breaker.failed(nowMs, undefined);
      assert.equal(breaker.state, "open");
      assert.equal(breaker.tryStart(nowMs + waitMs - 1), false);
      nowMs += waitMs;
    }
  });

  test("after a wait one request finds out, and only its success closes it", () => {
    const breaker = breakerWithout.jitter();
    breaker.failed(0, undefined);
    assert.equal(breaker.tryStart(100), true);
    assert.equal(breaker.state, "half-open");
    assert.equal(breaker.tryStart(100), false);
    breaker.succeeded();
    assert.equal(breaker.state, "closed");
    assert.equal(breaker.tryStart(100), true);
    assert.equal(breaker.tryStart(100), true);
  });

  test("requests that fail together are one failure", () => {
    const breaker = breakerWithout.jitter();
    for (let request = 0; request < 4; request++) breaker.failed(0, undefined);
    assert.equal(breaker.notBeforeMs, 100);
  });

  test("the endpoint's own wish is kept when it is longer, within a bound", () => {
    const breaker = breakerWithout.jitter();
    breaker.failed(0, 3_000);
    assert.equal(breaker.notBeforeMs, 3_000);
    breaker.hurry(0, 0);
    assert.equal(breaker.notBeforeMs, 3_000);
    breaker.failed(0, 3_600_000);
    assert.equal(breaker.notBeforeMs, 5_000);
  });

  test("hurry ends a wait of our own", () => {
    const breaker = breakerWithout.jitter();
    breaker.failed(0, undefined);
    breaker.hurry(10, 5);
    assert.equal(breaker.notBeforeMs, 15);
  });

  test("refused credentials make it pause; a success of an older request does not end the pause", () => {
    const breaker = breakerWithout.jitter();
    breaker.unauthorized(0);
    breaker.succeeded();
    assert.equal(breaker.state, "unauthorized");
    assert.equal(breaker.tryStart(59_999), false);
    assert.equal(breaker.tryStart(60_000), true);
  });

  test("whatever happens, it never waits longer than its bounds and never lets two requests through while in doubt", () => {
    const event = fc.constantFrom("start", "success", "failure", "retry-after", "unauthorized", "hurry");
    fc.assert(
      fc.property(
        fc.array(fc.tuple(event, fc.nat(2_000))),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (events, random) => {
          const breaker = createBreaker({ ...options, random: () => random });
          let nowMs = 0;
          for (const [kind, passedMs] of events) {
            nowMs += passedMs;
            const before = breaker.state;
            if (kind === "start") assert.ok(!(breaker.tryStart(nowMs) && before === "half-open"));
            if (kind === "success") breaker.succeeded();
            if (kind === "failure") breaker.failed(nowMs, undefined);
            if (kind === "retry-after") breaker.failed(nowMs, 10_000);
            if (kind === "unauthorized") breaker.unauthorized(nowMs);
            if (kind === "hurry") breaker.hurry(nowMs, 0);
            assert.ok(breaker.notBeforeMs - nowMs <= options.unauthorizedPauseMs);
          }
        },
      ),
    );
  });
});
