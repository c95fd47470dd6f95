import type { RefusalCounts } from "./auth/gate.ts";

/** What a collector did since its start; also on `GET /metrics`. */
export interface CollectorStats {
  readonly receivedSpans: number;
  readonly storedSpans: number;
  /** Spans that were recognised as delivered before, and not stored again. */
  readonly repeatedSpans: number;
  /** Spans that can never be stored (an invalid id), told to the sender as partial success. */
  readonly rejectedSpans: number;
  /** Requests that were turned away because too much was pending, or they were too large. */
  readonly refusedRequests: number;
  /** Requests that were malformed, or whose rows the store did not take. */
  readonly failedRequests: number;
  readonly pendingBytes: number;
  /** Requests to send spans that were turned away before they were read, by reason. */
  readonly refusedSenders: Readonly<RefusalCounts>;
  /** The same for requests to the query API. */
  readonly refusedReaders: Readonly<RefusalCounts>;
}
