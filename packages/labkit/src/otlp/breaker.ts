import type { BreakerState } from "./endpoint.ts";

/**
 * Decides when an endpoint may be asked. One for both back-off and circuit breaking: since the whole endpoint waits after
 * a failure, not the single request, an endpoint in trouble sees one request per wait and nothing more.
 *
 * ```
 *            failure                    wait is over, next request
 *  closed ───────────▶ open(until) ─────────────────────────▶ half-open
 *    ▲                   ▲  failure: twice the wait              │
 *    │                   └───────────────────────────────────────┤
 *    └──────────────────────── success ──────────────────────────┘
 *  any ── credentials refused ──▶ unauthorized(until) ── wait is over ──▶ half-open
 * ```
 */
export interface Breaker {
  readonly state: BreakerState;
  /** When the next request may be sent, on the clock that was passed in; not later than now when one may go at once. */
  readonly notBeforeMs: number;
  /** Asks to send one request; a `true` must be followed by one of the reports. */
  tryStart(nowMs: number): boolean;
  succeeded(): void;
  /** @param retryAfterMs what the endpoint asked for. */
  failed(nowMs: number, retryAfterMs: number | undefined): void;
  unauthorized(nowMs: number): void;
  /**
   * Shortens a wait that we chose ourselves to `maxWaitMs`, for somebody who waits for a flush; one that the endpoint
   * asked for stays.
   */
  hurry(nowMs: number, maxWaitMs: number): void;
}

export interface BreakerOptions {
  readonly initialBackoffMs: number;
  readonly maxBackoffMs: number;
  readonly maxRetryAfterMs: number;
  readonly unauthorizedPauseMs: number;
  /** Between 0 and 1, for the jitter. */
  readonly random: () => number;
}

export function createBreaker(options: BreakerOptions): Breaker {
  let state: BreakerState = "closed";
  let failures = 0;
  let notBeforeMs = 0;
  /** Until when the endpoint itself asked us to wait. */
  let askedUntilMs = 0;

  return {
    get state() {
      return state;
    },
    get notBeforeMs() {
      return notBeforeMs;
    },
    tryStart(nowMs) {
      if (state === "closed") return true;
      if (state === "half-open" || nowMs < notBeforeMs) return false;
      state = "half-open";
      return true;
    },
    succeeded() {
      // An answer to a request that was sent before the failure of another does not end the wait.
      if (state === "open" || state === "unauthorized") return;
      state = "closed";
      failures = 0;
      notBeforeMs = 0;
      askedUntilMs = 0;
    },
    failed(nowMs, retryAfterMs) {
      if (retryAfterMs !== undefined) {
        askedUntilMs = Math.max(askedUntilMs, nowMs + Math.min(retryAfterMs, options.maxRetryAfterMs));
      }
      // Requests that were under way together fail together: that is one failure, not several.
      if (state === "closed" || state === "half-open") {
        failures++;
        notBeforeMs = nowMs + backoffMs(failures, options);
        state = "open";
      }
      notBeforeMs = Math.max(notBeforeMs, askedUntilMs);
    },
    unauthorized(nowMs) {
      state = "unauthorized";
      notBeforeMs = nowMs + options.unauthorizedPauseMs;
    },
    hurry(nowMs, maxWaitMs) {
      if (state === "open") notBeforeMs = Math.max(askedUntilMs, Math.min(notBeforeMs, nowMs + maxWaitMs));
    },
  };
}

/** Doubles with each failure; between half of it and all of it, so that many runners do not come back at the same time. */
function backoffMs(failures: number, options: BreakerOptions): number {
  const full = Math.min(options.maxBackoffMs, options.initialBackoffMs * 2 ** (failures - 1));
  return full * (0.5 + options.random() / 2);
}
