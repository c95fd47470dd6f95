import type { Log } from "@jobscope/labkit";
import { spanRows } from "../rows/span-row.ts";
import type { RecentSpans, SpanPrints } from "../store/recent-spans.ts";
import { type SpanBlock, spanBlock } from "../store/span-block.ts";
import { StoreError } from "../store/store-error.ts";
import type { IngestStats } from "./ingest-stats.ts";
import type { OtlpResourceSpans } from "./otlp-model.ts";
import type { PendingBytes, Reservation } from "./pending-bytes.ts";
import { createTurns } from "./turns.ts";

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
   * Reads a request and stores its spans.
   *
   * @param read makes spans of the body.
   * @param reservation holds the body; it is made to hold the rows instead, and stays the caller's to dispose of.
   * @throws {MalformedRequest} when `read` does.
   */
  store(read: () => readonly OtlpResourceSpans[], reservation: Reservation): Promise<IngestOutcome>;
}

/** Dependencies of {@link createIngest}. */
export interface IngestDependencies {
  readonly pending: PendingBytes;
  readonly stats: IngestStats;
  readonly recent: RecentSpans;
  readonly write: (block: SpanBlock) => Promise<void>;
  readonly log: Log;
}

/** Joins reading and the store: rows, repeated spans, bounds, counters. */
export function createIngest({ pending, stats, recent, write, log }: IngestDependencies): Ingest {
  const inTurn = createTurns();
  let failuresInARow = 0;

  /** All the work on a request that keeps the event loop busy. */
  function prepare(request: readonly OtlpResourceSpans[]): Prepared {
    const { rows, rejectedSpans } = spanRows(request);
    const { fresh, prints } = recent.sift(rows);
    stats.receivedSpans += rows.length + rejectedSpans;
    stats.rejectedSpans += rejectedSpans;
    stats.repeatedSpans += rows.length - fresh.length;
    return { block: spanBlock(fresh), prints, rejectedSpans };
  }

  return {
    pending,
    stats,
    async store(read, reservation) {
      const { block, prints, rejectedSpans } = await inTurn(() => prepare(read()));
      if (block.rows === 0) return { kind: "stored", rejectedSpans };
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
      recent.add(prints);
      stats.storedSpans += block.rows;
      return { kind: "stored", rejectedSpans };
    },
  };
}

interface Prepared {
  readonly block: SpanBlock;
  /** What to remember of the request's spans, once they are stored. */
  readonly prints: SpanPrints;
  readonly rejectedSpans: number;
}
