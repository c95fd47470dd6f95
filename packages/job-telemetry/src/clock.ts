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

/** Where a clock gets its two readings; a test passes its own. */
export interface ClockSources {
  /** May step. */
  wallNow(): UnixNano;
  /** Nanoseconds from any origin; never goes back. */
  monotonicNow(): bigint;
}

/** Beyond this, wall clock and anchor do not differ by drift: somebody set the clock, or the machine slept. */
const maxDriftNs = 1_000_000_000n;

/**
 * The clock of a process. Its anchor is taken once. Only when a job begins and the wall clock has been stepped by more
 * than a second since (a suspended laptop, a machine that booted with a wrong date) is it taken anew, so that a runner
 * that lives for weeks does not date its jobs wrongly; a job that runs keeps the time line it began with.
 *
 * Rule: telemetry.md §2.
 */
export function createSpanClock(sources: ClockSources = systemClock): SpanClock {
  let offset = sources.wallNow() - sources.monotonicNow();
  return {
    timeline() {
      const offsetNow = sources.wallNow() - sources.monotonicNow();
      const drift = offsetNow > offset ? offsetNow - offset : offset - offsetNow;
      if (drift > maxDriftNs) offset = offsetNow;
      const anchored = offset;
      return { now: () => anchored + sources.monotonicNow() };
    },
  };
}

const systemClock: ClockSources = { wallNow: preciseWallNow, monotonicNow: () => process.hrtime.bigint() };

/** `Date.now()` with the digits below the millisecond that Node's start time has, as long as both agree. */
function preciseWallNow(): UnixNano {
  const coarseMs = Date.now();
  const fineMs = performance.timeOrigin + performance.now();
  const ms = Math.abs(fineMs - coarseMs) < 2 ? fineMs : coarseMs;
  return BigInt(Math.round(ms * 1000)) * 1000n;
}
