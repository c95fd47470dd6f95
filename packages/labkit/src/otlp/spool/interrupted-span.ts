import protobuf from "protobufjs/minimal.js";

/** What is said of a span whose process ended before it. */
export interface Interruption {
  /** The attribute `error.type`. Default `process_ended`. */
  readonly errorType: string;
  /** The status description. Default "the process ended before the span did". */
  readonly message: string;
}

export const defaultInterruption: Interruption = {
  errorType: "process_ended",
  message: "the process ended before the span did",
};

/** Field numbers. Source: opentelemetry/proto/trace/v1/trace.proto and common/v1/common.proto. */
const resourceSpans = 1;
const scopeSpans = 2;
const spans = 2;
const startTime = 7;
const endTime = 8;
const attributes = 9;
const status = 15;
const statusError = 2;

/**
 * Gives a span an end and the status ERROR, in its encoded form.
 *
 * @param request an `ExportTraceServiceRequest` that holds one span.
 * @param options `endMs`: wall clock; an end before the span's start becomes its start.
 */
export function closeInterruptedSpan(request: Buffer, options: Interruption & { endMs: number }): Buffer {
  const inSpan = (span: Uint8Array) => closeSpan(span, options);
  const inScope = (scope: Uint8Array) => rewrite(scope, (field) => (field === spans ? inSpan : "keep"));
  const inResource = (resource: Uint8Array) => rewrite(resource, (field) => (field === scopeSpans ? inScope : "keep"));
  return Buffer.from(rewrite(request, (field) => (field === resourceSpans ? inResource : "keep")));
}

function closeSpan(span: Uint8Array, options: Interruption & { endMs: number }): Uint8Array {
  const endUnixNano = BigInt(Math.round(options.endMs * 1_000)) * 1_000n;
  const startUnixNano = readStart(span);
  const writer = protobuf.Writer.create();
  writer.uint32((endTime << 3) | 1).fixed64(toLong(endUnixNano > startUnixNano ? endUnixNano : startUnixNano));
  const value = protobuf.Writer.create().uint32(0x0a).string(options.errorType).finish();
  const attribute = protobuf.Writer.create().uint32(0x0a).string("error.type").uint32(0x12).bytes(value).finish();
  writer.uint32((attributes << 3) | 2).bytes(attribute);
  const statusBytes = protobuf.Writer.create()
    .uint32(0x12)
    .string(options.message)
    .uint32(0x18)
    .int32(statusError)
    .finish();
  writer.uint32((status << 3) | 2).bytes(statusBytes);
  const kept = rewrite(span, (field) => (field === endTime || field === status ? "leave out" : "keep"));
  return Buffer.concat([kept, writer.finish()]);
}

/** Copies a message field by field; a function rewrites the bytes of an embedded message. */
function rewrite(
  message: Uint8Array,
  decide: (field: number) => "keep" | "leave out" | ((embedded: Uint8Array) => Uint8Array),
): Uint8Array {
  const reader = protobuf.Reader.create(message);
  const parts: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const tag = reader.uint32();
    const decision = decide(tag >>> 3);
    if (typeof decision === "function" && (tag & 7) === 2) {
      parts.push(protobuf.Writer.create().uint32(tag).bytes(decision(reader.bytes())).finish());
      continue;
    }
    reader.skipType(tag & 7);
    if (decision !== "leave out") parts.push(message.subarray(start, reader.pos));
  }
  return Buffer.concat(parts);
}

function readStart(span: Uint8Array): bigint {
  const reader = protobuf.Reader.create(span);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag >>> 3 === startTime) return Buffer.from(span.subarray(reader.pos, reader.pos + 8)).readBigUInt64LE();
    reader.skipType(tag & 7);
  }
  return 0n;
}

/** protobufjs takes 64-bit numbers as two halves. */
function toLong(value: bigint): protobuf.Long {
  return {
    low: Number(BigInt.asIntN(32, value)),
    high: Number(BigInt.asIntN(32, value >> 32n)),
    unsigned: true,
  } as protobuf.Long;
}
