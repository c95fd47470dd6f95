import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { formatGoDuration, parseGoDuration } from "./go-duration.ts";

/** Source: runner-protocol.md §2.2, §2.6, and Go's `time.ParseDuration`. */
const parsed = [
  { text: "90s", ms: 90_000 },
  { text: "1h30m", ms: 5_400_000 },
  { text: "500ms", ms: 500 },
  { text: "1.5s", ms: 1_500 },
  { text: ".5m", ms: 30_000 },
  { text: "100us", ms: 0.1 },
  { text: "0", ms: 0 },
  { text: "-5s", ms: -5_000 },
  { text: "10", ms: undefined },
  { text: "1 h", ms: undefined },
  { text: "1d", ms: undefined },
  { text: "", ms: undefined },
];

const formatted = [
  { ms: 3_600_000, text: "1h0m0s" },
  { ms: 2_000, text: "2s" },
  { ms: 90_500, text: "1m30.5s" },
  { ms: 250, text: "250ms" },
  { ms: 0, text: "0s" },
];

describe("Go's durations", () => {
  for (const { text, ms } of parsed) {
    test(`${JSON.stringify(text)} is ${ms ?? "none"}`, () => assert.equal(parseGoDuration(text), ms));
  }
  for (const { ms, text } of formatted) {
    test(`${ms} ms is written ${text}`, () => assert.equal(formatGoDuration(ms), text));
  }
  test("what is written is read back", () => {
    fc.assert(fc.property(fc.nat(1e9), (ms) => assert.equal(parseGoDuration(formatGoDuration(ms)), ms)));
  });
});
