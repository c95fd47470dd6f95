import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Answer, judgeAnswer } from "./retry-rules.ts";

const nowMs = Date.parse("2026-05-01T12:00:00Z");

const table: { answer: Answer; expected: object; source: string }[] = [
  ...[200, 202].map((status) => ({
    answer: http(status),
    expected: { kind: "accepted" },
    source: "OTLP/HTTP, success",
  })),
  ...[429, 502, 503, 504].map((status) => ({
    answer: http(status),
    expected: { kind: "try-later", retryAfterMs: undefined },
    source: "OTLP/HTTP, retryable response codes",
  })),
  { answer: http(503, "7"), expected: { kind: "try-later", retryAfterMs: 7_000 }, source: "OTLP/HTTP, throttling" },
  { answer: http(429, "0"), expected: { kind: "try-later", retryAfterMs: 0 }, source: "RFC 9110 §10.2.3" },
  {
    answer: http(429, "Fri, 01 May 2026 12:00:30 GMT"),
    expected: { kind: "try-later", retryAfterMs: 30_000 },
    source: "RFC 9110 §10.2.3",
  },
  {
    answer: http(429, "Fri, 01 May 2026 11:00:00 GMT"),
    expected: { kind: "try-later", retryAfterMs: 0 },
    source: "RFC 9110 §10.2.3",
  },
  { answer: http(503, "soon"), expected: { kind: "try-later", retryAfterMs: undefined }, source: "RFC 9110 §10.2.3" },
  { answer: http(401), expected: { kind: "unauthorized", mayRefresh: true }, source: "telemetry.md §1" },
  { answer: http(403), expected: { kind: "unauthorized", mayRefresh: false }, source: "telemetry.md §1" },
  { answer: http(413), expected: { kind: "too-large" }, source: "RFC 9110 §15.5.14" },
  ...[301, 302, 303, 307, 308].map((status) => ({
    answer: http(status),
    expected: { kind: "refused" },
    source: "telemetry.md §4",
  })),
  ...[400, 404, 405, 408, 415, 422, 500, 501, 505].map((status) => ({
    answer: http(status),
    expected: { kind: "refused" },
    source: "OTLP/HTTP: all other 4xx and 5xx must not be retried",
  })),
  { answer: grpc(0), expected: { kind: "accepted" }, source: "OTLP/gRPC, success" },
  ...[1, 4, 10, 11, 14, 15].map((code) => ({
    answer: grpc(code),
    expected: { kind: "try-later", retryAfterMs: undefined },
    source: "OTLP/gRPC, retryable codes",
  })),
  {
    answer: grpc(14, "", 1_500),
    expected: { kind: "try-later", retryAfterMs: 1_500 },
    source: "OTLP/gRPC, throttling",
  },
  {
    answer: grpc(8, "slow down", 100),
    expected: { kind: "try-later", retryAfterMs: 100 },
    source: "OTLP/gRPC: RESOURCE_EXHAUSTED with RetryInfo",
  },
  {
    answer: grpc(8, "quota"),
    expected: { kind: "refused" },
    source: "OTLP/gRPC: RESOURCE_EXHAUSTED without RetryInfo",
  },
  {
    answer: grpc(8, "Received message larger than max (5 vs. 4)"),
    expected: { kind: "too-large" },
    source: "gRPC's message size limit",
  },
  {
    answer: grpc(11, "Error, decoded message length too large: found 5 bytes, the limit is: 4 bytes"),
    expected: { kind: "too-large" },
    source: "tonic's message size limit",
  },
  { answer: grpc(16), expected: { kind: "unauthorized", mayRefresh: true }, source: "telemetry.md §1" },
  { answer: grpc(7), expected: { kind: "unauthorized", mayRefresh: false }, source: "telemetry.md §1" },
  ...[2, 3, 5, 6, 9, 12, 13].map((code) => ({
    answer: grpc(code),
    expected: { kind: "refused" },
    source: "OTLP/gRPC, not retryable",
  })),
  {
    answer: { kind: "none", why: "connection refused" },
    expected: { kind: "try-later", retryAfterMs: undefined, why: "connection refused" },
    source: "OTLP/HTTP, connect failures",
  },
];

describe("what an answer to an export means", () => {
  for (const { answer, expected, source } of table) {
    test(`${JSON.stringify(answer)}: ${JSON.stringify(expected)} (${source})`, () => {
      assert.partialDeepStrictEqual(judgeAnswer(answer, nowMs), expected);
    });
  }
});

function http(status: number, retryAfter?: string): Answer {
  return { kind: "http", status, retryAfter };
}

function grpc(code: number, message = "", retryDelayMs?: number): Answer {
  return { kind: "grpc", code, message, retryDelayMs };
}
