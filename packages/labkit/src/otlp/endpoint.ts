import type { ReadableSpan } from "@opentelemetry/sdk-trace";

/**
 * One place spans go, shared by all jobs of the process: a bounded queue, retries by the OTLP rules, credentials and
 * counters of its own. A dead endpoint never slows another one.
 *
 * Rule: telemetry.md §4.
 */
export interface TelemetryEndpoint {
  /** For logs and metric labels: the endpoint's URL without user info, query or fragment. */
  readonly name: string;
  /**
   * Notes a span that has begun, so that the next start can close it when this process is killed before it ends; without
   * a spool, nothing happens. Constant time, never throws, never waits. Optional to call; `createSpanProcessor` does.
   */
  spanStarted(span: ReadableSpan): void;
  /**
   * Takes a finished span. Constant time, never throws, never waits: what the queue has no room for is dropped by
   * priority and counted. The span must not change afterwards.
   */
  enqueue(span: ReadableSpan): void;
  /**
   * Sends all that is queued, without waiting for the coalescing window or for a back-off that the endpoint did not ask
   * for, and waits until nothing is left. Never rejects.
   *
   * @param options `signal` bounds the wait; what is unsent then stays queued.
   */
  flush(options: { signal: AbortSignal }): Promise<FlushOutcome>;
  /** Counters since the endpoint was made. */
  stats(): EndpointStats;
}

/** Which spans a full queue gives up last: higher stays longer. Any number; a queue has a lane for each, so have few. */
export type SpanPriority = number;

/**
 * `flushed`: everything was accepted or counted as dropped. `left`: the signal aborted with spans still unsent; those that
 * are in the spool are not lost by that.
 */
export type FlushOutcome = { readonly kind: "flushed" } | { readonly kind: "left"; readonly spans: number };

/**
 * Why a span was given up:
 * `queue_full`: no room, by priority; `refused`: the endpoint answered with a status that must not be retried;
 * `unauthorized`: 401 or 403, or credentials that may not be sent there; `partial_success`: the endpoint accepted the
 * request but rejected this many of its spans; `expired`: older than `maxAgeMs`; `unencodable`: it could not be
 * serialised; `shutdown`: unsent when the pool was disposed of, and not in the spool; `spool_full`: the oldest on disk, to
 * make room; `spool_damaged`: on disk, but no longer readable.
 */
export type DropReason =
  | "queue_full"
  | "refused"
  | "unauthorized"
  | "partial_success"
  | "expired"
  | "unencodable"
  | "shutdown"
  | "spool_full"
  | "spool_damaged";

/**
 * `closed`: exporting. `open`: waiting after a failure. `half-open`: one request is out to find out whether the endpoint
 * is back. `unauthorized`: refused our credentials; spans are dropped until the next attempt.
 */
export type BreakerState = "closed" | "open" | "half-open" | "unauthorized";

export interface EndpointStats {
  readonly endpoint: string;
  /** Spans that the endpoint accepted. */
  readonly exportedSpans: number;
  /** Spans given up, by reason; every reason is present. */
  readonly droppedSpans: Readonly<Record<DropReason, number>>;
  /** Requests that had to be sent again. */
  readonly retriedRequests: number;
  readonly queuedSpans: number;
  /** Estimated size of the queued spans on the wire, uncompressed. */
  readonly queuedBytes: number;
  /** Spans in requests that are on their way or wait to be sent again. */
  readonly inFlightSpans: number;
  /** Undefined without a spool. */
  readonly spool: SpoolStats | undefined;
  readonly breaker: BreakerState;
  /** Duration of answered and failed requests. */
  readonly latency: LatencyHistogram;
  /** The last failed request, in words without secrets. */
  readonly lastFailure: { readonly atMs: number; readonly why: string } | undefined;
}

export interface SpoolStats {
  readonly bytes: number;
  /** Spans that are only on disk: left by a crash, or without room in memory. */
  readonly backlogSpans: number;
  /** False while the disk cannot be written and spans are kept in memory only. */
  readonly isWorking: boolean;
  /** Writes that the disk refused: full, read-only, gone. */
  readonly failedWrites: number;
}

/** Buckets that are not cumulative: `counts[i]` holds values ≤ `boundsMs[i]` and above the bound before; the last is the rest. */
export interface LatencyHistogram {
  readonly boundsMs: readonly number[];
  readonly counts: readonly number[];
  readonly count: number;
  readonly sumMs: number;
}
