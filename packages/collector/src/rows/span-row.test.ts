import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { OtlpSpan } from "../receive/otlp-model.ts";
import { type SpanRow, spanRows } from "./span-row.ts";

const span: OtlpSpan = {
  traceId: "0af7651916cd43dd8448eb211c80319c",
  spanId: "b7ad6b7169203331",
  traceState: "",
  parentSpanId: "",
  name: "step_script",
  kind: 1,
  startUnixNano: 1_000n,
  endUnixNano: 3_500n,
  attributes: [],
  events: [],
  links: [],
  statusCode: 0,
  statusMessage: "",
};

function rowsOf(...spans: Partial<OtlpSpan>[]) {
  return spanRows([
    {
      attributes: [{ key: "service.name", value: "gitlab-ci-runner" }],
      scopeSpans: [{ scopeName: "s", scopeVersion: "1", spans: spans.map((facts) => ({ ...span, ...facts })) }],
    },
  ]);
}

const columns: { name: string; facts: Partial<OtlpSpan>; column: keyof SpanRow; expected: unknown }[] = [
  { name: "a duration from start to end", facts: {}, column: "duration", expected: 2_500n },
  { name: "no negative duration", facts: { endUnixNano: 10n }, column: "duration", expected: 0n },
  {
    name: "the last storable time for one beyond it",
    facts: { startUnixNano: 2n ** 64n - 1n },
    column: "timestamp",
    expected: 2n ** 63n - 1n,
  },
  { name: "a kind's word", facts: { kind: 2 }, column: "spanKind", expected: "Server" },
  { name: "Unspecified for a kind that there is not", facts: { kind: 9 }, column: "spanKind", expected: "Unspecified" },
  { name: "a status' word", facts: { statusCode: 2 }, column: "statusCode", expected: "Error" },
  { name: "Unset for a status that there is not", facts: { statusCode: -1 }, column: "statusCode", expected: "Unset" },
  { name: "no parent for one of zeros", facts: { parentSpanId: "0".repeat(16) }, column: "parentSpanId", expected: "" },
  { name: "the service's name", facts: {}, column: "serviceName", expected: "gitlab-ci-runner" },
  {
    name: "the last of two attributes with one key",
    facts: {
      attributes: [
        { key: "k", value: 1n },
        { key: "k", value: 2n },
      ],
    },
    column: "spanAttributes",
    expected: { keys: ["k"], values: ["2"] },
  },
];

describe("a span's row", () => {
  for (const { name, facts, column, expected } of columns) {
    test(`has ${name}`, () => assert.deepEqual(rowsOf(facts).rows[0]?.[column], expected));
  }

  for (const facts of [
    { traceId: "" },
    { traceId: "0".repeat(32) },
    { traceId: "ab" },
    { spanId: "" },
    { spanId: "0".repeat(16) },
  ]) {
    test(`is not made for ${JSON.stringify(facts)}, and the span is counted as rejected`, () => {
      const { rows, rejectedSpans } = rowsOf(facts, {});
      assert.equal(rows.length, 1);
      assert.equal(rejectedSpans, 1);
    });
  }

  test("shares its resource's attributes with the other rows of the resource", () => {
    const { rows } = rowsOf({}, { spanId: "00f067aa0ba902b7" });
    assert.equal(rows[0]?.resourceAttributes, rows[1]?.resourceAttributes);
  });
});
