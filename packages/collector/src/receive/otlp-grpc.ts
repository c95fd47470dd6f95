import { type handleUnaryCall, Server, type ServiceDefinition, type UntypedServiceImplementation } from "@grpc/grpc-js";
import type { Log } from "@jobscope/labkit";
import type { Gate } from "../auth/gate.ts";
import { createGrpcGate } from "./grpc-gate.ts";
import { grpcFailure, grpcStatusOf } from "./grpc-status.ts";
import type { Ingest } from "./ingest.ts";
import { answerTo, grpcCode, malformed, type OtlpAnswer, protobufResponse, tooBusy } from "./otlp-answer.ts";
import { MalformedRequest } from "./otlp-model.ts";
import { readProtobufRequest } from "./otlp-protobuf.ts";
import type { Reservation } from "./pending-bytes.ts";

/** The one service of OTLP/gRPC for traces; messages stay bytes, which receiver and sender read as they like. */
const traceService = {
  Export: {
    path: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    requestStream: false,
    responseStream: false,
    requestSerialize: (message: Buffer) => message,
    requestDeserialize: (bytes: Buffer) => bytes,
    responseSerialize: (message: Buffer) => message,
    responseDeserialize: (bytes: Buffer) => bytes,
  },
} satisfies ServiceDefinition;

/** Dependencies and limits of {@link createOtlpGrpcServer}. */
export interface OtlpGrpcOptions {
  readonly ingest: Ingest;
  readonly gate: Gate;
  readonly maxRequestBytes: number;
  readonly log: Log;
}

/**
 * OTLP over gRPC. The size limit holds for messages as sent and once inflated (grpc-js answers RESOURCE_EXHAUSTED).
 *
 * A message is in memory before we can judge it; what one connection can hold is bounded by its streams.
 */
export function createOtlpGrpcServer({ ingest, gate, maxRequestBytes, log }: OtlpGrpcOptions): Server {
  const server = new Server({
    "grpc.max_receive_message_length": maxRequestBytes,
    "grpc.max_concurrent_streams": 32,
    interceptors: [createGrpcGate(gate, log)],
  });
  const handle: handleUnaryCall<Buffer, Buffer> = (call, callback) => {
    answer(call.request).then(
      (outcome) => {
        if (outcome.kind === "ok") callback(null, protobufResponse(outcome.rejectedSpans));
        else callback(grpcStatusOf(outcome));
      },
      (err: unknown) => {
        log.error("a request failed", { err });
        callback(grpcFailure);
      },
    );
  };
  server.addService(traceService, { Export: handle } as UntypedServiceImplementation);
  return server;

  async function answer(message: Buffer): Promise<OtlpAnswer> {
    using reservation = ingest.pending.reserve();
    const answered = reservation.resize(message.length) ? await store(message, reservation) : tooBusy();
    count(answered);
    return answered;
  }

  async function store(message: Buffer, reservation: Reservation): Promise<OtlpAnswer> {
    try {
      return answerTo(await ingest.store(() => readProtobufRequest(message), reservation));
    } catch (error) {
      if (error instanceof MalformedRequest) return malformed(error.message);
      throw error;
    }
  }

  function count(answered: OtlpAnswer): void {
    if (answered.kind === "ok") return;
    if (answered.grpcCode === grpcCode.resourceExhausted) ingest.stats.refusedRequests += 1;
    else ingest.stats.failedRequests += 1;
  }
}
