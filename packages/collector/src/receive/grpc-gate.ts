import { type Metadata, ServerInterceptingCall, type ServerInterceptor } from "@grpc/grpc-js";
import type { Log } from "@jobscope/labkit";
import type { Gate } from "../auth/gate.ts";
import { grpcFailure, grpcStatusOf } from "./grpc-status.ts";
import { turnedAway } from "./otlp-answer.ts";

/** Asks who sends as soon as a call's metadata is there; of a call that is turned away, no message is read. */
export function createGrpcGate(gate: Gate, log: Log): ServerInterceptor {
  return (_method, call) =>
    new ServerInterceptingCall(call, {
      start: (next) => {
        next({
          onReceiveMetadata: (metadata, admitted) => {
            gate.admit(authorizationOf(metadata)).then(
              (refusal) => {
                if (refusal === undefined) admitted(metadata);
                else call.sendStatus(grpcStatusOf(turnedAway(refusal)));
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
}

function authorizationOf(metadata: Metadata): string | undefined {
  const [value] = metadata.get("authorization");
  return value?.toString();
}
