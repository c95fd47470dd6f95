import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { OtlpValue } from "../receive/otlp-model.ts";
import { attributeText } from "./attribute-text.ts";

/** Source: the OpenTelemetry Collector, `pdata/pcommon/value.go`, `Value.AsString`. */
const cases: { name: string; value: OtlpValue; expected: string }[] = [
  { name: "a string", value: "main", expected: "main" },
  { name: "an empty string", value: "", expected: "" },
  { name: "true", value: true, expected: "true" },
  { name: "false", value: false, expected: "false" },
  { name: "an integer", value: 42n, expected: "42" },
  { name: "the smallest integer", value: -(2n ** 63n), expected: "-9223372036854775808" },
  { name: "a double", value: 0.125, expected: "0.125" },
  { name: "a whole double", value: 3, expected: "3" },
  { name: "a small double", value: 1e-7, expected: "1e-7" },
  { name: "a large double", value: 1e21, expected: "1e+21" },
  { name: "minus zero", value: -0, expected: "-0" },
  { name: "no number", value: Number.NaN, expected: "json: unsupported value: NaN" },
  { name: "infinity", value: Number.NEGATIVE_INFINITY, expected: "json: unsupported value: -Inf" },
  { name: "bytes", value: Buffer.from([0, 255]), expected: "AP8=" },
  { name: "nothing", value: null, expected: "" },
  { name: "an array", value: ["a", 1n, true, 0.5, null], expected: '["a",1,true,0.5,null]' },
  { name: "an empty array", value: [], expected: "[]" },
  { name: "an array with characters of HTML", value: ["<b>&\u2028"], expected: '["\\u003cb\\u003e\\u0026\\u2028"]' },
  {
    name: "a key-value list, keys sorted",
    value: new Map<string, OtlpValue>([
      ["b", 1n],
      ["a", ["x"]],
    ]),
    expected: '{"a":["x"],"b":1}',
  },
  { name: "bytes in an array", value: [Buffer.from("hi")], expected: '["aGk="]' },
];

describe("the text of an attribute's value", () => {
  for (const { name, value, expected } of cases) {
    test(`of ${name} is what the OpenTelemetry Collector stores`, () => assert.equal(attributeText(value), expected));
  }
});
