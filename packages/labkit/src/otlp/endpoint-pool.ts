import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import type { Log } from "../logging/log.ts";
import type { EndpointStats, FlushOutcome, TelemetryEndpoint } from "./endpoint.ts";
import type { EndpointSpec } from "./endpoint-spec.ts";
import type { EndpointLimits } from "./limits.ts";

/** All endpoints of a process. Made once, by whoever owns the process, and shared by all jobs. */
export interface EndpointPool extends AsyncDisposable {
  /**
   * The endpoint for a spec; the same one for the same spec, with one queue and its connections.
   *
   * @throws {EndpointSpecError} when the spec is not usable; `checkEndpointSpec` tells beforehand.
   */
  endpoint(spec: EndpointSpec): TelemetryEndpoint;
  /** Flushes all endpoints at the same time. Never rejects. */
  flush(options: { signal: AbortSignal }): Promise<FlushOutcome>;
  /** Counters of every endpoint that was ever made, for metrics. */
  stats(): readonly EndpointStats[];
  /**
   * One bounded flush (`limits.shutdownFlushMs`), then everything is let go: no socket or timer stays. What was unsent is
   * counted as dropped.
   */
  [Symbol.asyncDispose](): Promise<void>;
}

export interface EndpointPoolOptions {
  /** Gets the first failure of an endpoint and its recovery, with a count. */
  readonly log: Log;
  /** Default: `defaultEndpointLimits`. */
  readonly limits?: Partial<EndpointLimits>;
  /**
   * Which spans a full queue gives up first. Called once per span, must not throw. Default: 1 for every span, so that the
   * newest goes first.
   */
  readonly priorityOf?: (span: ReadableSpan) => SpanPriority;
  /** Where `bearer-env` looks its variable up. Default: nowhere. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}
