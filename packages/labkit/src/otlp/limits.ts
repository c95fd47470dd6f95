/** Bounds of one endpoint's queue and exports. All have defaults that suit a runner with tens of concurrent jobs. */
export interface EndpointLimits {
  /** Spans waiting in the queue. Default 20,000: the spans of 20 jobs at GitLab's limit of 1,000 each. */
  readonly maxQueuedSpans: number;
  /** Estimated bytes waiting in the queue. Default 16 MiB. */
  readonly maxQueuedBytes: number;
  /** Spans in one request. Default 512: encoding one blocks the event loop for few milliseconds. */
  readonly maxBatchSpans: number;
  /** Estimated bytes in one request. Default 1 MiB, well below the 4 MiB that gRPC servers accept by default. */
  readonly maxBatchBytes: number;
  /** How long a span waits for company before its request is sent. Default 100 ms (telemetry.md §4). */
  readonly coalesceMs: number;
  /** Requests under way at the same time, so that a slow answer does not hold up streaming. Default 4. */
  readonly maxConcurrentRequests: number;
  /** First wait after a failure; doubles with each further one, with jitter. Default 200 ms. */
  readonly initialBackoffMs: number;
  /** Longest wait that we choose ourselves. Default 30,000 ms. */
  readonly maxBackoffMs: number;
  /** Longest wait that an endpoint may ask for (`Retry-After`, `RetryInfo`). Default 300,000 ms. */
  readonly maxRetryAfterMs: number;
  /** Pause after 401 or 403; spans are dropped meanwhile (telemetry.md §1). Default 60,000 ms. */
  readonly unauthorizedPauseMs: number;
  /** A request that could not be delivered for this long is given up. Default one hour. */
  readonly maxAgeMs: number;
  /** The one flush when the pool is disposed of. Default 5,000 ms (telemetry.md §4); 0 for none. */
  readonly shutdownFlushMs: number;
  /** Endpoints kept at the same time; idle ones are let go first. Default 64. */
  readonly maxEndpoints: number;
}

export const defaultEndpointLimits: EndpointLimits = {
  maxQueuedSpans: 20_000,
  maxQueuedBytes: 16 * 1024 * 1024,
  maxBatchSpans: 512,
  maxBatchBytes: 1024 * 1024,
  coalesceMs: 100,
  maxConcurrentRequests: 4,
  initialBackoffMs: 200,
  maxBackoffMs: 30_000,
  maxRetryAfterMs: 300_000,
  unauthorizedPauseMs: 60_000,
  maxAgeMs: 3_600_000,
  shutdownFlushMs: 5_000,
  maxEndpoints: 64,
};
