/** One answer, as far as the decision to repeat the call needs it. */
export interface RetriableAnswer {
  readonly status: number;
  /** `RateLimit-ResetTime`: an RFC 1123 date. */
  readonly rateLimitResetTime: string | undefined;
  /** `Retry-After`: whole seconds; its date form is not understood, as upstream. */
  readonly retryAfter: string | undefined;
  /** Attempts made so far, this one included: 1 after the first. */
  readonly attemptsMade: number;
  readonly nowMs: number;
  /** 0 ≤ random < 1: the jitter. */
  readonly random: number;
}

export type RetryDecision = { readonly kind: "final" } | { readonly kind: "repeat"; readonly afterMs: number };

const maxAttempts = 5;
const minBackoffMs = 100;
const maxBackoffMs = 60_000;
/** Upstream obeys any delay the coordinator names. We stop at an hour: a longer one outlives every caller. */
const maxNamedDelayMs = 3_600_000;

/** Whether a call is repeated at once by the client, and after how long. Rule: runner-protocol.md §1.3. */
export function decideRetry(answer: RetriableAnswer): RetryDecision {
  if (!isRetriableStatus(answer.status) || answer.attemptsMade >= maxAttempts) return { kind: "final" };
  return { kind: "repeat", afterMs: namedDelayMs(answer) ?? backoffMs(answer) };
}

/** 408, 429, 500, 502, 503, 504 and everything from 512 on. */
export function isRetriableStatus(status: number): boolean {
  return [408, 429, 500, 502, 503, 504].includes(status) || status >= 512;
}

/** The delay the coordinator named, first usable header first. */
export function namedDelayMs(answer: Pick<RetriableAnswer, "rateLimitResetTime" | "retryAfter" | "nowMs">) {
  const resetAtMs = Date.parse(answer.rateLimitResetTime ?? "");
  if (resetAtMs > answer.nowMs) return Math.min(resetAtMs - answer.nowMs, maxNamedDelayMs);
  if (answer.retryAfter !== undefined && /^\s*\d+\s*$/.test(answer.retryAfter)) {
    return Math.min(Number(answer.retryAfter) * 1000, maxNamedDelayMs);
  }
  return undefined;
}

/** 100 ms × 2ⁿ up to 60 s, anywhere between the smallest delay and that. */
function backoffMs({ attemptsMade, random }: RetriableAnswer): number {
  const ceilingMs = Math.min(minBackoffMs * 2 ** (attemptsMade - 1), maxBackoffMs);
  return minBackoffMs + random * (ceilingMs - minBackoffMs);
}
