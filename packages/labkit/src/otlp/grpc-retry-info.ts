import protobuf from "protobufjs/minimal.js";

const retryInfoType = "google.rpc.RetryInfo";

/**
 * Reads the delay of a `google.rpc.RetryInfo` from a `grpc-status-details-bin` trailer. Undefined when there is none or
 * the bytes are malformed.
 *
 * Source: google/rpc/status.proto (`details` = 3), google/protobuf/any.proto (`type_url` = 1, `value` = 2),
 * google/rpc/error_details.proto (`retry_delay` = 1), google/protobuf/duration.proto (`seconds` = 1, `nanos` = 2).
 */
export function readRetryDelayMs(statusDetails: Uint8Array): number | undefined {
  try {
    for (const any of fieldsOf(statusDetails, 3)) {
      const typeUrl = Buffer.from(fieldsOf(any, 1)[0] ?? []).toString();
      const value = fieldsOf(any, 2)[0];
      const duration = typeUrl.endsWith(`/${retryInfoType}`) && value !== undefined ? fieldsOf(value, 1)[0] : undefined;
      if (duration !== undefined) return readDurationMs(duration);
    }
    return undefined;
  } catch {
    return undefined;
  }
}

/** The values of a length-delimited field. */
function fieldsOf(message: Uint8Array, field: number): Uint8Array[] {
  const reader = protobuf.Reader.create(message);
  const values: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag >>> 3 === field && (tag & 7) === 2) values.push(reader.bytes());
    else reader.skipType(tag & 7);
  }
  return values;
}

function readDurationMs(duration: Uint8Array): number {
  const reader = protobuf.Reader.create(duration);
  let ms = 0;
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag >>> 3 === 1) ms += Number(reader.int64()) * 1_000;
    else if (tag >>> 3 === 2) ms += reader.int32() / 1_000_000;
    else reader.skipType(tag & 7);
  }
  return Math.max(0, ms);
}
