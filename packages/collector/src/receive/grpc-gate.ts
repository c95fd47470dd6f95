import assert from "node:assert";
import { type Metadata, ServerInterceptingCall, type ServerInterceptor } from "@grpc/grpc-js";
import type { Log } from "@jobscope/labkit";
import type { Gate } from "../auth/gate.ts";
import type { Admission } from "../auth/verdict.ts";
import { grpcFailure, grpcStatusOf } from "./grpc-status.ts";
import { turnedAway } from "./otlp-answer.ts";

/** The gate before a gRPC server. */
export interface GrpcGate {
  /** Asks who sends as soon as a call's metadata is there; of a call that is turned away, no message is read. */
  readonly interceptor: ServerInterceptor;
  /** Who sent a call that was let through, by its metadata. */
  senderOf(metadata: Metadata): Admission;
}

export function createGrpcGate(gate: Gate, log: Log): GrpcGate {
  const senders = new WeakMap<Metadata, Admission>();
  const interceptor: ServerInterceptor = (_method, call) =>
    new ServerInterceptingCall(call, {
      start: (next) => {
        next({
          onReceiveMetadata: (metadata, admitted) => {
            gate.admit(authorizationOf(metadata)).then(
              (verdict) => {
                if (verdict.kind === "refused") return call.sendStatus(grpcStatusOf(turnedAway(verdict)));
                senders.set(metadata, verdict);
                admitted(metadata);
              },
              (err: unknown) => {
                log.error("a request failed", { err });
                call.sendStatus(grpcFailure);
              },
            );
          },
        });
      },
    });
  return {
    interceptor,
    senderOf(metadata) {
      const sender = senders.get(metadata);
      assert(sender !== undefined, "a call reached the service that nobody let through");
      return sender;
    },
  };
}

function authorizationOf(metadata: Metadata): string | undefined {
  const [value] = metadata.get("authorization");
  return value?.toString();
}
