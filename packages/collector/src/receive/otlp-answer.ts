import protobuf from "protobufjs/minimal.js";
import type { Refusal } from "../auth/verdict.ts";
import type { IngestOutcome } from "./ingest.ts";

/** How long a sender is asked to wait when too much is pending: a few inserts' time. */
const retryAfterSeconds = 1;

/** gRPC's status codes that we answer with (google.rpc.Code). */
export const grpcCode = {
  invalidArgument: 3,
  permissionDenied: 7,
  resourceExhausted: 8,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** An answer to an OTLP request, before it is put into HTTP or gRPC words. */
export type OtlpAnswer =
  | { readonly kind: "ok"; readonly rejectedSpans: number }
  | {
      readonly kind: "error";
      readonly httpStatus: 400 | 401 | 403 | 413 | 415 | 429 | 503;
      readonly grpcCode: number;
      readonly message: string;
      readonly retryAfterSeconds: number | undefined;
    };

/**
 * What the sender is told. Only 429 and 503 (RESOURCE_EXHAUSTED with RetryInfo, UNAVAILABLE) ask it to try again
 * (telemetry.md §4); rows that the store will never take are the sender's mistake, 400;
 * whatever else is wrong with the store is not, so that the sender keeps them.
 */
export function answerTo(outcome: IngestOutcome): OtlpAnswer {
  if (outcome.kind === "stored") return { kind: "ok", rejectedSpans: outcome.rejectedSpans };
  if (outcome.kind === "busy") return tooBusy();
  const { error } = outcome;
  if (error.code === "unstorable") return malformed(error.message);
  return {
    kind: "error",
    httpStatus: 503,
    grpcCode: grpcCode.unavailable,
    message: error.message,
    retryAfterSeconds,
  };
}

export function tooBusy(): OtlpAnswer & { kind: "error" } {
  return {
    kind: "error",
    httpStatus: 429,
    grpcCode: grpcCode.resourceExhausted,
    message: "too many spans are waiting to be stored",
    retryAfterSeconds,
  };
}

/**
 * What a sender that was turned away is told: nothing of why, but whether to come back. An issuer that does not answer
 * is not the sender's mistake, so it keeps its spans.
 */
export function turnedAway({ reason }: Refusal): OtlpAnswer & { kind: "error" } {
  if (reason === "rate-limited") {
    return { ...tooBusy(), message: "too much comes with this token" };
  }
  if (reason === "issuer-unavailable") {
    const message = "tokens cannot be checked at the moment";
    return { kind: "error", httpStatus: 503, grpcCode: grpcCode.unavailable, message, retryAfterSeconds };
  }
  return {
    kind: "error",
    httpStatus: 401,
    grpcCode: grpcCode.unauthenticated,
    message: "not authenticated",
    retryAfterSeconds: undefined,
  };
}

/** The sender is known, and may not send this. */
export function forbidden(message: string): OtlpAnswer & { kind: "error" } {
  return {
    kind: "error",
    httpStatus: 403,
    grpcCode: grpcCode.permissionDenied,
    message,
    retryAfterSeconds: undefined,
  };
}

export function malformed(message: string): OtlpAnswer {
  return {
    kind: "error",
    httpStatus: 400,
    grpcCode: grpcCode.invalidArgument,
    message,
    retryAfterSeconds: undefined,
  };
}

/** The sentence of a partial success. */
function rejection(rejectedSpans: number): string {
  return `${rejectedSpans} spans have no valid trace id (16 bytes) or span id (8 bytes), not all zero`;
}

/** `ExportTraceServiceResponse` in JSON. */
export function jsonResponse(rejectedSpans: number): string {
  if (rejectedSpans === 0) return "{}";
  return JSON.stringify({
    partialSuccess: { rejectedSpans: String(rejectedSpans), errorMessage: rejection(rejectedSpans) },
  });
}

/** `ExportTraceServiceResponse` in protobuf: `partial_success` is field 1, with `rejected_spans` 1 and `error_message` 2. */
export function protobufResponse(rejectedSpans: number): Buffer {
  const writer = protobuf.Writer.create();
  if (rejectedSpans > 0) {
    writer.uint32(0x0a).fork().uint32(0x08).int64(rejectedSpans).uint32(0x12).string(rejection(rejectedSpans)).ldelim();
  }
  return Buffer.from(writer.finish());
}

/**
 * `google.rpc.Status` in protobuf: `code` 1, `message` 2, `details` 3. With a wait, the details hold a
 * `google.rpc.RetryInfo`, which is what OTLP/gRPC senders look for.
 */
export function protobufStatus(code: number, message: string, waitSeconds: number | undefined): Buffer {
  const writer = protobuf.Writer.create().uint32(0x08).int32(code).uint32(0x12).string(message);
  if (waitSeconds !== undefined) {
    const retryInfo = protobuf.Writer.create().uint32(0x0a).fork().uint32(0x08).int64(waitSeconds).ldelim().finish();
    const typeUrl = "type.googleapis.com/google.rpc.RetryInfo";
    writer.uint32(0x1a).fork().uint32(0x0a).string(typeUrl).uint32(0x12).bytes(retryInfo).ldelim();
  }
  return Buffer.from(writer.finish());
}
