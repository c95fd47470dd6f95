import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import type { ExportOutcome } from "./export-outcome.ts";

/**
 * Reads the `partial_success` of an accepted request.
 *
 * A body that is no `ExportTraceServiceResponse` counts as an empty one: the status has already said that the spans were
 * taken, and sending them again would double them. Source: OTLP, "Partial Success".
 */
export function readAcceptedResponse(body: Uint8Array): ExportOutcome {
  const partialSuccess = deserialize(body)?.partialSuccess;
  const rejectedSpans = Math.max(0, Number(partialSuccess?.rejectedSpans ?? 0));
  const message = partialSuccess?.errorMessage;
  return message ? { kind: "accepted", rejectedSpans, why: message } : { kind: "accepted", rejectedSpans };
}

function deserialize(body: Uint8Array): ReturnType<typeof ProtobufTraceSerializer.deserializeResponse> | undefined {
  try {
    return ProtobufTraceSerializer.deserializeResponse(body);
  } catch {
    return undefined;
  }
}
