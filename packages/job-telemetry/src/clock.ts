/** Nanoseconds since 1970-01-01T00:00:00Z. */
export type UnixNano = bigint;

/** Tells the time of spans: the wall clock's reading at one moment plus the monotonic clock since. */
export interface SpanClock {
  /** The time line that one job keeps to from start to end, so that no clock step gets into its spans. */
  timeline(): Timeline;
}

/** Time that never goes back and never jumps. */
export interface Timeline {
  now(): UnixNano;
}
