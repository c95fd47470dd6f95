import type { Log } from "@jobscope/labkit";
import { spanRows } from "../rows/span-row.ts";
import type { RecentSpans } from "../store/recent-spans.ts";
import { type SpanBlock, spanBlock } from "../store/span-block.ts";
import { StoreError } from "../store/store-error.ts";
import type { IngestStats } from "./ingest-stats.ts";
import type { OtlpResourceSpans } from "./otlp-model.ts";
import type { PendingBytes, Reservation } from "./pending-bytes.ts";

/** What became of one request. */
export type IngestOutcome =
  /** All spans are stored but those that never can be. */
  | { readonly kind: "stored"; readonly rejectedSpans: number }
  /** Too much waits for the store; nothing of the request was kept. */
  | { readonly kind: "busy" }
  /** The store did not take it. */
  | { readonly kind: "failed"; readonly error: StoreError };

/** What the receivers share. */
export interface Ingest {
  readonly pending: PendingBytes;
  readonly stats: IngestStats;
  /**
   * Stores the spans of a request that was read.
   *
   * @param reservation holds the request's body; it is made to hold the rows instead, and stays the caller's to dispose of.
   */
  store(request: readonly OtlpResourceSpans[], reservation: Reservation): Promise<IngestOutcome>;
}

/** Dependencies of {@link createIngest}. */
export interface IngestDependencies {
  readonly pending: PendingBytes;
  readonly stats: IngestStats;
  readonly recent: RecentSpans;
  readonly write: (block: SpanBlock) => Promise<void>;
  readonly log: Log;
}

/** Joins decoding and the store: rows, repeated spans, bounds, counters. */
export function createIngest({ pending, stats, recent, write, log }: IngestDependencies): Ingest {
  let failuresInARow = 0;
  return {
    pending,
    stats,
    async store(request, reservation) {
      const { rows, rejectedSpans } = spanRows(request);
      stats.receivedSpans += rows.length + rejectedSpans;
      stats.rejectedSpans += rejectedSpans;
      const fresh = recent.withoutKnown(rows);
      stats.repeatedSpans += rows.length - fresh.length;
      if (fresh.length === 0) return { kind: "stored", rejectedSpans };
      const block = spanBlock(fresh);
      const keys = fresh.map(({ traceId, spanId, timestamp }) => ({ traceId, spanId, timestamp }));
      if (!reservation.resize(block.bytes.length)) return { kind: "busy" };
      try {
        await write(block);
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        failuresInARow += 1;
        if (failuresInARow === 1) log.warn("spans could not be stored", { err: error });
        return { kind: "failed", error };
      }
      if (failuresInARow > 0) log.info("spans are stored again", { failedRequests: failuresInARow });
      failuresInARow = 0;
      recent.add(keys);
      stats.storedSpans += fresh.length;
      return { kind: "stored", rejectedSpans };
    },
  };
}
