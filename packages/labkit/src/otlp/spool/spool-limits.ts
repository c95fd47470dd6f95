/** Bounds of the spool of one endpoint. */
export interface SpoolLimits {
  /** Bytes on disk; the oldest segment goes first. Default 256 MiB. */
  readonly maxBytes: number;
  /** What was not delivered for this long is given up when the spool is next opened. Default 72 hours. */
  readonly maxAgeMs: number;
  /** A new segment begins above it. Default 4 MiB. */
  readonly segmentBytes: number;
  /** After a write failed, spans are kept in memory only for this long. Default 30,000 ms. */
  readonly retryAfterMs: number;
  /**
   * `never` (default): what was written survives a crash or SIGKILL of the process, not a power failure of the machine.
   * `always`: also that, at the price of one `fdatasync` per write.
   */
  readonly fsync: "never" | "always";
}

export const defaultSpoolLimits: SpoolLimits = {
  maxBytes: 256 * 1_024 * 1_024,
  maxAgeMs: 72 * 3_600_000,
  segmentBytes: 4 * 1_024 * 1_024,
  retryAfterMs: 30_000,
  fsync: "never",
};
