import type { ExportOutcome } from "./export-outcome.ts";

/** One export request, ready to be sent, as often as it takes. */
export interface EncodedRequest {
  /** `ExportTraceServiceRequest` in protobuf's binary form. */
  readonly body: Uint8Array;
}

/**
 * Carries single requests to one endpoint and says what became of them.
 *
 * Contract: `send` may be called concurrently; it never rejects; it ends within the endpoint's timeout, and soon after
 * `signal` aborts. Retries, queues and credentials are its caller's. Connections are kept alive between requests but do
 * not keep the process alive. `close` may be called once; requests under way then end with `try-later`.
 *
 * Why not the transports of the OpenTelemetry SDK's exporters (0.301): theirs retry by themselves within the timeout and
 * hide the outcome in a boolean; a partial success is only written to the diagnostic log; the gRPC one calls every failure
 * final, reads its metadata (the token) once and forever, and ignores RetryInfo; neither can be cancelled. We use their
 * serializers, which are the part that has to agree with the specification.
 */
export interface Transport {
  send(request: EncodedRequest, options: SendOptions): Promise<ExportOutcome>;
  close(): Promise<void>;
}

interface SendOptions {
  /** Authentication of this request; the header fields of the endpoint's spec are the transport's. */
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}
