import assert from "node:assert/strict";
import { test } from "node:test";
import { decideRetry, type RetriableAnswer } from "./retry-decision.ts";

const nowMs = Date.parse("2026-08-22T10:00:00Z");
const base: RetriableAnswer = {
  status: 503,
  rateLimitResetTime: undefined,
  retryAfter: undefined,
  attemptsMade: 1,
  nowMs,
  random: 0,
};

const cases: readonly { name: string; answer: Partial<RetriableAnswer>; expected: number | "final" }[] = [
  ...[200, 201, 204, 400, 401, 403, 404, 409, 412, 413, 416, 422, 501, 505, 511].map((status) => ({
    name: `${status} is final`,
    answer: { status },
    expected: "final" as const,
  })),
  ...[408, 429, 500, 502, 503, 504, 512, 520, 599].map((status) => ({
    name: `${status} is repeated`,
    answer: { status },
    expected: 100,
  })),
  { name: "the fifth answer is final", answer: { attemptsMade: 5 }, expected: "final" },
  { name: "the fourth answer is repeated", answer: { attemptsMade: 4 }, expected: 100 },
  { name: "without jitter's luck the delay doubles", answer: { attemptsMade: 4, random: 1 }, expected: 800 },
  { name: "Retry-After is whole seconds", answer: { retryAfter: "7" }, expected: 7000 },
  { name: "Retry-After 0 repeats at once", answer: { retryAfter: "0" }, expected: 0 },
  {
    name: "a date in Retry-After is not understood",
    answer: { retryAfter: "Sat, 22 Aug 2026 10:00:09 GMT" },
    expected: 100,
  },
  { name: "a negative Retry-After is not understood", answer: { retryAfter: "-3" }, expected: 100 },
  {
    name: "RateLimit-ResetTime comes before Retry-After",
    answer: { rateLimitResetTime: "Sat, 22 Aug 2026 10:00:09 GMT", retryAfter: "7" },
    expected: 9000,
  },
  {
    name: "a RateLimit-ResetTime in the past is passed over",
    answer: { rateLimitResetTime: "Sat, 22 Aug 2026 09:59:59 GMT", retryAfter: "7" },
    expected: 7000,
  },
  { name: "no delay is longer than an hour", answer: { retryAfter: "999999999999" }, expected: 3_600_000 },
];

for (const { name, answer, expected } of cases) {
  test(`runner-protocol.md §1.3: ${name}`, () => {
    const decision = decideRetry({ ...base, ...answer });
    assert.deepEqual(decision, expected === "final" ? { kind: "final" } : { kind: "repeat", afterMs: expected });
  });
}
