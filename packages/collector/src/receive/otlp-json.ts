import { z } from "zod";
import {
  MalformedRequest,
  maxValueDepth,
  type OtlpAttribute,
  type OtlpResourceSpans,
  type OtlpSpan,
  type OtlpValue,
} from "./otlp-model.ts";

/**
 * OTLP's JSON is protobuf's, with three rules of its own: ids are hex, enums are integers, and unknown fields are ignored
 * (OTLP specification, "JSON Protobuf Encoding"). 64-bit integers are strings, but numbers are taken too; protobuf's JSON
 * also allows `null` for what is absent.
 */
const text = z.string().nullish();
const integer = z.union([z.string().regex(/^-?\d{1,20}$/), z.int()]).nullish();
const smallInteger = z.int().nullish();
const double = z.union([z.number(), z.enum(["NaN", "Infinity", "-Infinity"])]).nullish();

interface JsonValue {
  stringValue?: string | null | undefined;
  boolValue?: boolean | null | undefined;
  intValue?: string | number | null | undefined;
  doubleValue?: number | string | null | undefined;
  bytesValue?: string | null | undefined;
  arrayValue?: { values?: JsonValue[] | null | undefined } | null | undefined;
  kvlistValue?: { values?: JsonAttribute[] | null | undefined } | null | undefined;
}

interface JsonAttribute {
  key?: string | null | undefined;
  value?: JsonValue | null | undefined;
}

const valueSchema: z.ZodType<JsonValue> = z.lazy(() =>
  z.object({
    stringValue: text,
    boolValue: z.boolean().nullish(),
    intValue: integer,
    doubleValue: double,
    bytesValue: z.base64().nullish(),
    arrayValue: z.object({ values: z.array(valueSchema).nullish() }).nullish(),
    kvlistValue: z.object({ values: z.array(attributeSchema).nullish() }).nullish(),
  }),
);
const attributeSchema: z.ZodType<JsonAttribute> = z.object({ key: text, value: valueSchema.nullish() });
const attributesSchema = z.array(attributeSchema).nullish();

const spanSchema = z.object({
  traceId: text,
  spanId: text,
  traceState: text,
  parentSpanId: text,
  name: text,
  kind: smallInteger,
  startTimeUnixNano: integer,
  endTimeUnixNano: integer,
  attributes: attributesSchema,
  events: z.array(z.object({ timeUnixNano: integer, name: text, attributes: attributesSchema })).nullish(),
  links: z.array(z.object({ traceId: text, spanId: text, traceState: text, attributes: attributesSchema })).nullish(),
  status: z.object({ message: text, code: smallInteger }).nullish(),
});

const requestSchema = z.object({
  resourceSpans: z
    .array(
      z.object({
        resource: z.object({ attributes: attributesSchema }).nullish(),
        scopeSpans: z
          .array(
            z.object({
              scope: z.object({ name: text, version: text }).nullish(),
              spans: z.array(spanSchema).nullish(),
            }),
          )
          .nullish(),
      }),
    )
    .nullish(),
});

/**
 * Reads an `ExportTraceServiceRequest` in JSON.
 *
 * @throws {MalformedRequest} naming the place that is wrong, without quoting it.
 */
export function readJsonRequest(body: Buffer): OtlpResourceSpans[] {
  const request = parse(body);
  return (request.resourceSpans ?? []).map((resourceSpans) => ({
    attributes: attributesOf(resourceSpans.resource?.attributes),
    scopeSpans: (resourceSpans.scopeSpans ?? []).map(({ scope, spans }) => ({
      scopeName: scope?.name ?? "",
      scopeVersion: scope?.version ?? "",
      spans: (spans ?? []).map(spanOf),
    })),
  }));
}

function parse(body: Buffer): z.infer<typeof requestSchema> {
  let json: unknown;
  try {
    json = parseExactly(body.toString("utf8"));
  } catch (cause) {
    throw new MalformedRequest("the body is not JSON", { cause });
  }
  let result: ReturnType<typeof requestSchema.safeParse>;
  try {
    result = requestSchema.safeParse(json);
  } catch (cause) {
    throw new MalformedRequest("the body is nested too deeply", { cause });
  }
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new MalformedRequest(`at ${issue?.path.join(".") || "the top"}: ${issue?.message ?? "not as OTLP says"}`);
}

/** `JSON.parse` rounds integers above 2^53; where the text has such numbers, their digits are kept instead. */
function parseExactly(json: string): unknown {
  if (!/[:[,\s]-?\d{16,}/.test(json)) return JSON.parse(json);
  // The third parameter is ECMAScript's "JSON.parse source text access", which TypeScript's library does not know yet.
  const keepDigits = (_key: string, value: unknown, context?: { source?: string }): unknown =>
    typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? "")
      ? context?.source
      : value;
  return JSON.parse(json, keepDigits);
}

function spanOf(span: z.infer<typeof spanSchema>): OtlpSpan {
  return {
    traceId: idOf(span.traceId),
    spanId: idOf(span.spanId),
    traceState: span.traceState ?? "",
    parentSpanId: idOf(span.parentSpanId),
    name: span.name ?? "",
    kind: span.kind ?? 0,
    startUnixNano: unixNanoOf(span.startTimeUnixNano),
    endUnixNano: unixNanoOf(span.endTimeUnixNano),
    attributes: attributesOf(span.attributes),
    events: (span.events ?? []).map((event) => ({
      timeUnixNano: unixNanoOf(event.timeUnixNano),
      name: event.name ?? "",
      attributes: attributesOf(event.attributes),
    })),
    links: (span.links ?? []).map((link) => ({
      traceId: idOf(link.traceId),
      spanId: idOf(link.spanId),
      traceState: link.traceState ?? "",
      attributes: attributesOf(link.attributes),
    })),
    statusCode: span.status?.code ?? 0,
    statusMessage: span.status?.message ?? "",
  };
}

/** What is no hex is no id: the empty string, for which the span is rejected. */
function idOf(id: string | null | undefined): string {
  return id !== null && id !== undefined && /^[0-9a-f]*$/i.test(id) ? id.toLowerCase() : "";
}

function unixNanoOf(value: string | number | null | undefined): bigint {
  return BigInt.asUintN(64, BigInt(value ?? 0));
}

function attributesOf(attributes: readonly JsonAttribute[] | null | undefined, depth = 0): OtlpAttribute[] {
  return (attributes ?? []).map(({ key, value }) => ({ key: key ?? "", value: anyValueOf(value ?? {}, depth) }));
}

function anyValueOf(value: JsonValue, depth: number): OtlpValue {
  if (depth > maxValueDepth) throw new MalformedRequest(`a value is nested deeper than ${maxValueDepth} levels`);
  if (typeof value.stringValue === "string") return value.stringValue;
  if (typeof value.boolValue === "boolean") return value.boolValue;
  if (value.intValue !== null && value.intValue !== undefined) return BigInt.asIntN(64, BigInt(value.intValue));
  if (value.doubleValue !== null && value.doubleValue !== undefined) return Number(value.doubleValue);
  if (typeof value.bytesValue === "string") return Buffer.from(value.bytesValue, "base64");
  if (value.arrayValue) return (value.arrayValue.values ?? []).map((element) => anyValueOf(element, depth + 1));
  if (value.kvlistValue) {
    const entries = attributesOf(value.kvlistValue.values, depth + 1);
    return new Map(entries.map((entry) => [entry.key, entry.value]));
  }
  return null;
}
