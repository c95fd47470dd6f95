import assert from "node:assert/strict";
import { test } from "node:test";
import { type ClockSources, createSpanClock } from "./clock.ts";

const second = 1_000_000_000n;

function aClock() {
  const readings = { wall: 1_000n * second, monotonic: 5n * second };
  const sources: ClockSources = { wallNow: () => readings.wall, monotonicNow: () => readings.monotonic };
  return {
    clock: createSpanClock(sources),
    pass(nanoseconds: bigint) {
      readings.wall += nanoseconds;
      readings.monotonic += nanoseconds;
    },
    step(nanoseconds: bigint) {
      readings.wall += nanoseconds;
    },
  };
}

test("a time line goes on from the wall clock's time in nanoseconds", () => {
  const { clock, pass } = aClock();
  const timeline = clock.timeline();
  assert.equal(timeline.now(), 1_000n * second);
  pass(1n);
  assert.equal(timeline.now(), 1_000n * second + 1n);
});

for (const hours of [-3n, 3n]) {
  test(`a step of the wall clock by ${hours} hours does not show within a job`, () => {
    const { clock, pass, step } = aClock();
    const timeline = clock.timeline();
    step(hours * 3600n * second);
    pass(2n * second);
    assert.equal(timeline.now(), 1_002n * second);
  });

  test(`a job that begins after a step by ${hours} hours has the new time`, () => {
    const { clock, step } = aClock();
    const before = clock.timeline();
    step(hours * 3600n * second);
    assert.equal(clock.timeline().now(), (1_000n + hours * 3600n) * second);
    assert.equal(before.now(), 1_000n * second);
  });
}

test("drift of less than a second leaves the anchor alone", () => {
  const { clock, step } = aClock();
  step(second / 2n);
  assert.equal(clock.timeline().now(), 1_000n * second);
});

test("the system's clock agrees with Date.now and never goes back", () => {
  const timeline = createSpanClock().timeline();
  const differenceMs = Number(timeline.now() / 1_000_000n) - Date.now();
  assert.ok(Math.abs(differenceMs) < 50, `${differenceMs} ms apart`);
  let last = timeline.now();
  for (let reading = 0; reading < 1_000; reading += 1) {
    const now = timeline.now();
    assert.ok(now >= last);
    last = now;
  }
});
