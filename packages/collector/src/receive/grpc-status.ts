import { Metadata, type StatusObject } from "@grpc/grpc-js";
import { type OtlpAnswer, protobufStatus } from "./otlp-answer.ts";

/** What a sender is told when the mistake is ours: gRPC's INTERNAL. */
export const grpcFailure = { code: 13, details: "the collector failed" };

/** An error in gRPC's words; its machine-readable part is a `google.rpc.Status`, where senders look for RetryInfo. */
export function grpcStatusOf({ grpcCode, message, retryAfterSeconds }: OtlpAnswer & { kind: "error" }): StatusObject {
  const metadata = new Metadata();
  metadata.set("grpc-status-details-bin", protobufStatus(grpcCode, message, retryAfterSeconds));
  return { code: grpcCode, details: message, metadata };
}
