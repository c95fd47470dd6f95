import protobuf from "protobufjs";

/** A span as it arrived, with its resource and scope. Ids are hex, times are nanoseconds. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for a root span. */
  readonly parentSpanId: string;
  readonly name: string;
  /** OTLP's number: 1 internal, 2 server. */
  readonly kind: number;
  readonly startUnixNano: bigint;
  readonly endUnixNano: bigint;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** OTLP's number: 0 unset, 1 ok, 2 error. */
  readonly status: { readonly code: number; readonly message: string };
  readonly events: readonly { readonly name: string; readonly attributes: Readonly<Record<string, unknown>> }[];
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly resource: Readonly<Record<string, unknown>>;
  readonly scope: { readonly name: string; readonly version: string };
}

/** The part of opentelemetry/proto/trace/v1/trace.proto that a test may want to see. */
const schema = protobuf.parse(`
  syntax = "proto3";
  message ExportTraceServiceRequest { repeated ResourceSpans resource_spans = 1; }
  message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
  message Resource { repeated KeyValue attributes = 1; }
  message ScopeSpans { Scope scope = 1; repeated Span spans = 2; }
  message Scope { string name = 1; string version = 2; }
  message Span {
    bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; bytes parent_span_id = 4; string name = 5;
    int32 kind = 6; fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8;
    repeated KeyValue attributes = 9; repeated Event events = 11; repeated Link links = 13; Status status = 15;
  }
  message Event { fixed64 time_unix_nano = 1; string name = 2; repeated KeyValue attributes = 3; }
  message Link { bytes trace_id = 1; bytes span_id = 2; }
  message Status { string message = 2; int32 code = 3; }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message AnyValue {
    oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4;
                  ArrayValue array_value = 5; KeyValueList kvlist_value = 6; bytes bytes_value = 7; }
  }
  message ArrayValue { repeated AnyValue values = 1; }
  message KeyValueList { repeated KeyValue values = 1; }
`).root;
const requestType = schema.lookupType("ExportTraceServiceRequest");

/** Decodes an `ExportTraceServiceRequest`. @throws when the bytes are none. */
export function decodeRequest(body: Uint8Array): ReceivedSpan[] {
  const request = requestType.toObject(requestType.decode(body), {
    arrays: true,
    defaults: true,
    longs: String,
  }) as WireRequest;
  return request.resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ scope, spans }) =>
      spans.map((span) => ({
        traceId: hex(span.traceId),
        spanId: hex(span.spanId),
        parentSpanId: hex(span.parentSpanId),
        name: span.name,
        kind: span.kind,
        startUnixNano: BigInt(span.startTimeUnixNano),
        endUnixNano: BigInt(span.endTimeUnixNano),
        attributes: readAttributes(span.attributes),
        status: { code: span.status?.code ?? 0, message: span.status?.message ?? "" },
        events: span.events.map(({ name, attributes }) => ({ name, attributes: readAttributes(attributes) })),
        links: span.links.map((link) => ({ traceId: hex(link.traceId), spanId: hex(link.spanId) })),
        resource: readAttributes(resource?.attributes ?? []),
        scope: { name: scope?.name ?? "", version: scope?.version ?? "" },
      })),
    ),
  );
}

/** What `toObject` gives for the schema above. */
interface WireRequest {
  resourceSpans: {
    resource: { attributes: WireAttribute[] } | null;
    scopeSpans: { scope: { name: string; version: string } | null; spans: WireSpan[] }[];
  }[];
}

interface WireSpan {
  traceId: Uint8Array;
  spanId: Uint8Array;
  parentSpanId: Uint8Array;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: WireAttribute[];
  events: { name: string; attributes: WireAttribute[] }[];
  links: { traceId: Uint8Array; spanId: Uint8Array }[];
  status: { code: number; message: string } | null;
}

interface WireAttribute {
  key: string;
  value: WireValue | null;
}

interface WireValue {
  stringValue?: string;
  boolValue?: boolean;
  intValue?: string;
  doubleValue?: number;
  bytesValue?: Uint8Array;
  arrayValue?: { values: WireValue[] };
  kvlistValue?: { values: WireAttribute[] };
}

function readAttributes(attributes: readonly WireAttribute[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, value === null ? undefined : readValue(value)]));
}

function readValue(value: WireValue): unknown {
  if (value.arrayValue !== undefined) return value.arrayValue.values.map(readValue);
  if (value.kvlistValue !== undefined) return readAttributes(value.kvlistValue.values);
  if (value.intValue !== undefined) return Number(value.intValue);
  return value.stringValue ?? value.boolValue ?? value.doubleValue ?? value.bytesValue;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
