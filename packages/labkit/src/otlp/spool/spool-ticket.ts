import type { StoredSpan } from "./segment.ts";

/**
 * A span's place in the spool, held by whoever sends it.
 *
 * ```
 *  waiting ──written──▶ stored ──settle──▶ settled
 *     │ ├──────────────settle─────────────────▲   (never written: delivered faster than the disk took it)
 *     │ └─failed──▶ unstored ──settle─────────┤
 *     └─────────── (no room, disk in trouble)
 * ```
 */
export interface SpoolTicket {
  readonly id: bigint;
  state: "waiting" | "stored" | "unstored" | "settled";
  /** In the states `stored` and, once it was stored, `settled`. */
  stored: StoredSpan | undefined;
  /** Nobody has the span in memory, but for the write that it waits for. */
  isLeftToDisk: boolean;
  /** What was written when the span began; settled together with it. */
  readonly closes: SpoolTicket | undefined;
}
