import { type handleUnaryCall, Server, type ServiceDefinition, type UntypedServiceImplementation } from "@grpc/grpc-js";
import type { Log } from "@jobscope/labkit";
import type { Gate } from "../auth/gate.ts";
import type { Admission } from "../auth/verdict.ts";
import { storeAdmitted } from "./admitted-request.ts";
import { createGrpcGate } from "./grpc-gate.ts";
import { grpcFailure, grpcStatusOf } from "./grpc-status.ts";
import type { Ingest } from "./ingest.ts";
import { grpcCode, type OtlpAnswer, protobufResponse, tooBusy } from "./otlp-answer.ts";
import { readProtobufRequest } from "./otlp-protobuf.ts";

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
  const grpcGate = createGrpcGate(gate, log);
  const server = new Server({
    "grpc.max_receive_message_length": maxRequestBytes,
    "grpc.max_concurrent_streams": 32,
    interceptors: [grpcGate.interceptor],
  });
  const handle: handleUnaryCall<Buffer, Buffer> = (call, callback) => {
    answer(call.request, grpcGate.senderOf(call.metadata)).then(
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

  async function answer(body: Buffer, sender: Admission): Promise<OtlpAnswer> {
    using reservation = ingest.pending.reserve();
    const request = { sender, body, read: readProtobufRequest, reservation };
    const answered = reservation.resize(body.length) ? await storeAdmitted(request, { ingest, gate }) : tooBusy();
    count(answered);
    return answered;
  }

  function count(answered: OtlpAnswer): void {
    if (answered.kind === "ok") return;
    if (answered.grpcCode === grpcCode.resourceExhausted) ingest.stats.refusedRequests += 1;
    else ingest.stats.failedRequests += 1;
  }
}
