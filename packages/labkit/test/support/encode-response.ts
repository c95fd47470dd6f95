import protobuf from "protobufjs/minimal.js";

/** `ExportTraceServiceResponse` with a `partial_success`. Source: opentelemetry/proto/collector/trace/v1. */
export function encodePartialSuccess(rejectedSpans: number, message: string): Buffer {
  const partial = protobuf.Writer.create().uint32(8).int64(rejectedSpans).uint32(18).string(message).finish();
  return Buffer.from(protobuf.Writer.create().uint32(10).bytes(partial).finish());
}

/** `google.rpc.Status` with a `google.rpc.RetryInfo`, as a `grpc-status-details-bin` trailer holds it. */
export function encodeRetryInfo(delayMs: number): Buffer {
  const seconds = Math.floor(delayMs / 1_000);
  const nanos = Math.round((delayMs % 1_000) * 1_000_000);
  const duration = protobuf.Writer.create().uint32(8).int64(seconds).uint32(16).int32(nanos).finish();
  const retryInfo = protobuf.Writer.create().uint32(10).bytes(duration).finish();
  const any = protobuf.Writer.create()
    .uint32(10)
    .string("type.googleapis.com/google.rpc.RetryInfo")
    .uint32(18)
    .bytes(retryInfo)
    .finish();
  return Buffer.from(protobuf.Writer.create().uint32(8).int32(14).uint32(26).bytes(any).finish());
}
