import protobuf from "protobufjs/minimal.js";
import {
  MalformedRequest,
  maxValueDepth,
  type OtlpAttribute,
  type OtlpEvent,
  type OtlpLink,
  type OtlpResourceSpans,
  type OtlpScopeSpans,
  type OtlpSpan,
  type OtlpValue,
} from "./otlp-model.ts";
import {
  delimited,
  endOfMessage,
  fixed64,
  type Reader,
  readFixed64,
  readHex,
  readInt64,
  readMessages,
  readText,
  skip,
  varint,
} from "./protobuf-wire.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * Reads an `ExportTraceServiceRequest` in protobuf.
 *
 * Written against the wire instead of generated from the .proto files: generated code makes an object per AnyValue and a
 * Long per integer, which halves the spans read per second. Field numbers: opentelemetry-proto,
 * `collector/trace/v1/trace_service.proto`, `trace/v1/trace.proto`, `common/v1/common.proto`. Unknown fields are skipped.
 *
 * @throws {MalformedRequest} when the bytes are no such message.
 */
export function readProtobufRequest(body: Buffer): OtlpResourceSpans[] {
  const reader = protobuf.Reader.create(body);
  try {
    return readMessages(reader, reader.len, 1, readResourceSpans);
  } catch (cause) {
    if (cause instanceof MalformedRequest) throw cause;
    throw new MalformedRequest("the body is not an ExportTraceServiceRequest in protobuf", { cause });
  }
}

function readResourceSpans(reader: Reader, end: number): OtlpResourceSpans {
  const resourceSpans = { attributes: [] as OtlpAttribute[], scopeSpans: [] as OtlpScopeSpans[] };
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === delimited(1)) {
      resourceSpans.attributes.push(...readMessages(reader, endOfMessage(reader, end), 1, readAttribute));
    } else if (tag === delimited(2)) resourceSpans.scopeSpans.push(readScopeSpans(reader, endOfMessage(reader, end)));
    else skip(reader, tag);
  }
  return resourceSpans;
}

function readScopeSpans(reader: Reader, end: number): OtlpScopeSpans {
  const scopeSpans = { scopeName: "", scopeVersion: "", spans: [] as OtlpSpan[] };
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === delimited(1)) Object.assign(scopeSpans, readScope(reader, endOfMessage(reader, end)));
    else if (tag === delimited(2)) scopeSpans.spans.push(readSpan(reader, endOfMessage(reader, end)));
    else skip(reader, tag);
  }
  return scopeSpans;
}

function readScope(reader: Reader, end: number): { scopeName: string; scopeVersion: string } {
  const scope = { scopeName: "", scopeVersion: "" };
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === delimited(1)) scope.scopeName = readText(reader);
    else if (tag === delimited(2)) scope.scopeVersion = readText(reader);
    else skip(reader, tag);
  }
  return scope;
}

function readSpan(reader: Reader, end: number): OtlpSpan {
  const attributes: OtlpAttribute[] = [];
  const events: OtlpEvent[] = [];
  const links: OtlpLink[] = [];
  const span: Mutable<OtlpSpan> = {
    traceId: "",
    spanId: "",
    traceState: "",
    parentSpanId: "",
    name: "",
    kind: 0,
    startUnixNano: 0n,
    endUnixNano: 0n,
    attributes,
    events,
    links,
    statusCode: 0,
    statusMessage: "",
  };
  while (reader.pos < end) {
    const tag = reader.uint32();
    switch (tag) {
      case delimited(1):
        span.traceId = readHex(reader);
        break;
      case delimited(2):
        span.spanId = readHex(reader);
        break;
      case delimited(3):
        span.traceState = readText(reader);
        break;
      case delimited(4):
        span.parentSpanId = readHex(reader);
        break;
      case delimited(5):
        span.name = readText(reader);
        break;
      case varint(6):
        span.kind = reader.int32();
        break;
      case fixed64(7):
        span.startUnixNano = readFixed64(reader);
        break;
      case fixed64(8):
        span.endUnixNano = readFixed64(reader);
        break;
      case delimited(9):
        attributes.push(readAttribute(reader, endOfMessage(reader, end)));
        break;
      case delimited(11):
        events.push(readEvent(reader, endOfMessage(reader, end)));
        break;
      case delimited(13):
        links.push(readLink(reader, endOfMessage(reader, end)));
        break;
      case delimited(15):
        readStatus(reader, endOfMessage(reader, end), span);
        break;
      default:
        skip(reader, tag);
    }
  }
  return span;
}

function readStatus(reader: Reader, end: number, span: Mutable<OtlpSpan>): void {
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === delimited(2)) span.statusMessage = readText(reader);
    else if (tag === varint(3)) span.statusCode = reader.int32();
    else skip(reader, tag);
  }
}

function readEvent(reader: Reader, end: number): OtlpEvent {
  const event = { timeUnixNano: 0n, name: "", attributes: [] as OtlpAttribute[] };
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === fixed64(1)) event.timeUnixNano = readFixed64(reader);
    else if (tag === delimited(2)) event.name = readText(reader);
    else if (tag === delimited(3)) event.attributes.push(readAttribute(reader, endOfMessage(reader, end)));
    else skip(reader, tag);
  }
  return event;
}

function readLink(reader: Reader, end: number): OtlpLink {
  const link = { traceId: "", spanId: "", traceState: "", attributes: [] as OtlpAttribute[] };
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === delimited(1)) link.traceId = readHex(reader);
    else if (tag === delimited(2)) link.spanId = readHex(reader);
    else if (tag === delimited(3)) link.traceState = readText(reader);
    else if (tag === delimited(4)) link.attributes.push(readAttribute(reader, endOfMessage(reader, end)));
    else skip(reader, tag);
  }
  return link;
}

function readAttribute(reader: Reader, end: number, depth = 0): OtlpAttribute {
  let key = "";
  let value: OtlpValue = null;
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === delimited(1)) key = readText(reader);
    else if (tag === delimited(2)) value = readValue(reader, endOfMessage(reader, end), depth);
    else skip(reader, tag);
  }
  return { key, value };
}

function readValue(reader: Reader, end: number, depth: number): OtlpValue {
  let value: OtlpValue = null;
  while (reader.pos < end) {
    const tag = reader.uint32();
    switch (tag) {
      case delimited(1):
        value = readText(reader);
        break;
      case varint(2):
        value = reader.bool();
        break;
      case varint(3):
        value = readInt64(reader);
        break;
      case fixed64(4):
        value = reader.double();
        break;
      case delimited(5):
        value = readArray(reader, endOfMessage(reader, end), deeper(depth));
        break;
      case delimited(6):
        value = readKeyValueList(reader, endOfMessage(reader, end), deeper(depth));
        break;
      case delimited(7):
        value = reader.bytes();
        break;
      default:
        skip(reader, tag);
    }
  }
  return value;
}

function readArray(reader: Reader, end: number, depth: number): OtlpValue[] {
  return readMessages(reader, end, 1, (inner, innerEnd) => readValue(inner, innerEnd, depth));
}

function readKeyValueList(reader: Reader, end: number, depth: number): Map<string, OtlpValue> {
  const entries = readMessages(reader, end, 1, (inner, innerEnd) => readAttribute(inner, innerEnd, depth));
  return new Map(entries.map(({ key, value }) => [key, value]));
}

function deeper(depth: number): number {
  if (depth >= maxValueDepth) throw new MalformedRequest(`a value is nested deeper than ${maxValueDepth} levels`);
  return depth + 1;
}
