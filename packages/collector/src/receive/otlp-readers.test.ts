import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { aSpan, jsonOf, newSpanId, protobufOf, someSpans } from "../../test/support/spans.ts";
import { readJsonRequest } from "./otlp-json.ts";
import { MalformedRequest } from "./otlp-model.ts";
import { readProtobufRequest } from "./otlp-protobuf.ts";

const text = fc.string({ unit: "binary", maxLength: 80 }).map((value) => value.toWellFormed());
/** Whole doubles are left out: the serialisers take them for integers, and beyond 2^53 round them each in its own way. */
const fraction = fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Number.isInteger(value));
const scalar = fc.oneof(text, fc.boolean(), fc.maxSafeInteger(), fraction);
const attributes = fc.dictionary(text, fc.oneof(scalar, fc.array(text, { maxLength: 4 })), { maxKeys: 8 });
const span = fc
  .record({
    name: text,
    attributes,
    resource: attributes,
    startMs: fc.integer({ min: 0, max: 4e12 }),
    kind: fc.integer({ min: 0, max: 4 }),
  })
  .map(({ name, attributes, resource, startMs, kind }) => {
    const event = { time: [1, 2] as [number, number], name, attributes };
    const link = { context: { traceId: "1".repeat(32), spanId: "2".repeat(16), traceFlags: 1 }, attributes };
    return aSpan({
      name,
      attributes,
      resource,
      startMs,
      kind,
      parentSpanId: newSpanId(),
      events: [event],
      links: [link],
    });
  });

describe("the two encodings of OTLP", () => {
  test("say the same about any spans that OpenTelemetry's serialisers write", () => {
    fc.assert(
      fc.property(fc.array(span, { minLength: 1, maxLength: 4 }), (spans) => {
        assert.deepEqual(readProtobufRequest(protobufOf(spans)), readJsonRequest(jsonOf(spans)));
      }),
      { numRuns: 200 },
    );
  });

  test("keep ids, times and values exactly", () => {
    const facts = {
      traceId: "0af7651916cd43dd8448eb211c80319c",
      spanId: "b7ad6b7169203331",
      parentSpanId: "00f067aa0ba902b7",
      attributes: { int: -9007199254740991, double: 0.5, yes: true, list: ["a", "ü"], "ci.job.name": "größe 🚀" },
    };
    const [resourceSpans] = readProtobufRequest(
      protobufOf([aSpan({ ...facts, startMs: 1700000000123, durationMs: 1 })]),
    );
    const read = resourceSpans?.scopeSpans[0]?.spans[0];
    assert.equal(read?.traceId, facts.traceId);
    assert.equal(read?.spanId, facts.spanId);
    assert.equal(read?.parentSpanId, facts.parentSpanId);
    assert.equal(read?.startUnixNano, 1_700_000_000_123_000_000n);
    assert.equal(read?.endUnixNano, 1_700_000_000_124_000_000n);
    assert.deepEqual(Object.fromEntries(read?.attributes.map(({ key, value }) => [key, value]) ?? []), {
      int: -9007199254740991n,
      double: 0.5,
      yes: true,
      list: ["a", "ü"],
      "ci.job.name": "größe 🚀",
    });
  });
});

describe("a malformed protobuf request", () => {
  const valid = protobufOf(someSpans(3, { attributes: { "ci.job.id": 7, list: ["a", "b"] } }));

  test("is refused wherever it is cut off, or read as the shorter message that it then is", () => {
    for (let length = 0; length < valid.length; length += 1) readOrRefuse(valid.subarray(0, length));
  });

  test("is refused or read whatever single byte of it is changed", () => {
    fc.assert(
      fc.property(fc.nat(valid.length - 1), fc.nat(255), (at, byte) => {
        const changed = Buffer.from(valid);
        changed[at] = byte;
        readOrRefuse(changed);
      }),
      { numRuns: 2000 },
    );
  });

  test("is refused or read when it is noise", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => readOrRefuse(Buffer.from(bytes))),
      { numRuns: 2000 },
    );
  });

  test("is refused when a value is nested too deeply", () => {
    assert.throws(() => readProtobufRequest(nestedArrays(5000)), MalformedRequest);
  });

  function readOrRefuse(bytes: Buffer): void {
    try {
      readProtobufRequest(bytes);
    } catch (error) {
      assert.ok(error instanceof MalformedRequest, String(error));
    }
  }
});

const spanWith = (fields: object) =>
  JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [{ traceId: "1".repeat(32), ...fields }] }] }] });

describe("a JSON request", () => {
  const accepted: { name: string; body: string; field: string; expected: unknown }[] = [
    {
      name: "ids in upper case",
      body: spanWith({ spanId: "ABCDEF0123456789" }),
      field: "spanId",
      expected: "abcdef0123456789",
    },
    { name: "an id that is no hex", body: spanWith({ spanId: "xyz" }), field: "spanId", expected: "" },
    {
      name: "times as strings",
      body: spanWith({ startTimeUnixNano: "1700000000123456789" }),
      field: "startUnixNano",
      expected: 1_700_000_000_123_456_789n,
    },
    {
      name: "times as numbers, digit by digit",
      body: spanWith({}).replace('"traceId"', '"startTimeUnixNano":1700000000123456789,"traceId"'),
      field: "startUnixNano",
      expected: 1_700_000_000_123_456_789n,
    },
    {
      name: "fields that it does not know",
      body: spanWith({ flags: 257, later: { x: [1] } }),
      field: "name",
      expected: "",
    },
    {
      name: "null for what is absent",
      body: spanWith({ name: null, events: null, status: null }),
      field: "statusCode",
      expected: 0,
    },
    {
      name: "bytes in base64",
      body: spanWith({ attributes: [{ key: "b", value: { bytesValue: "AQI=" } }] }),
      field: "attributes",
      expected: [{ key: "b", value: Buffer.from([1, 2]) }],
    },
    {
      name: "doubles that JSON has no number for",
      body: spanWith({ attributes: [{ key: "d", value: { doubleValue: "NaN" } }] }),
      field: "attributes",
      expected: [{ key: "d", value: Number.NaN }],
    },
    {
      name: "key-value lists",
      body: spanWith({
        attributes: [{ key: "m", value: { kvlistValue: { values: [{ key: "k", value: { intValue: "3" } }] } } }],
      }),
      field: "attributes",
      expected: [{ key: "m", value: new Map([["k", 3n]]) }],
    },
    {
      name: "an attribute without a value",
      body: spanWith({ attributes: [{ key: "e" }] }),
      field: "attributes",
      expected: [{ key: "e", value: null }],
    },
  ];
  for (const { name, body, field, expected } of accepted) {
    test(`takes ${name}`, () => {
      const read = readJsonRequest(Buffer.from(body))[0]?.scopeSpans[0]?.spans[0];
      assert.deepEqual(read?.[field as keyof typeof read], expected);
    });
  }

  const refused: { name: string; body: string; message: RegExp }[] = [
    { name: "no JSON", body: "{", message: /is not JSON/ },
    { name: "a list at the top", body: "[]", message: /at the top/ },
    {
      name: "a name that is a number",
      body: spanWith({ name: 7 }),
      message: /resourceSpans\.0\.scopeSpans\.0\.spans\.0\.name/,
    },
    { name: "a time that is no number", body: spanWith({ startTimeUnixNano: "soon" }), message: /startTimeUnixNano/ },
    {
      name: "a value nested too deeply",
      body: spanWith({}).replace(
        '"traceId"',
        `"attributes":[{"key":"k","value":${'{"arrayValue":{"values":['.repeat(40)}${"]}}".repeat(40)}}],"traceId"`,
      ),
      message: /nested/,
    },
    {
      name: "nesting that would exhaust the stack",
      body: spanWith({}).replace(
        '"traceId"',
        `"attributes":[{"key":"k","value":${'{"arrayValue":{"values":['.repeat(20000)}${"]}}".repeat(20000)}}],"traceId"`,
      ),
      message: /nested|not JSON/,
    },
  ];
  for (const { name, body, message } of refused) {
    test(`refuses ${name}`, () => {
      assert.throws(
        () => readJsonRequest(Buffer.from(body)),
        (error) => error instanceof MalformedRequest && message.test(error.message),
      );
    });
  }
});

/** A request with one attribute whose value is so many arrays in one another. */
function nestedArrays(depth: number): Buffer {
  let value: Buffer = Buffer.alloc(0);
  for (let level = 0; level < depth; level += 1) value = field(5, field(1, value));
  return field(1, field(2, field(2, field(9, field(2, value)))));
}

function field(number: number, bytes: Buffer): Buffer {
  const length: number[] = [];
  let rest = bytes.length;
  for (; rest > 127; rest >>>= 7) length.push((rest & 127) | 128);
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length, rest]), bytes]);
}
