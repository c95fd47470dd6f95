import { setTimeout as delay } from "node:timers/promises";
import type { Dispatcher } from "undici";
import { CacheTransferError } from "./transfer-error.ts";

/** How an archive is moved: what both directions need. */
export interface TransferOptions {
  readonly connections: Dispatcher;
  /** Bound of one try, ms (`CACHE_REQUEST_TIMEOUT`). */
  readonly timeoutMs: number;
  readonly report: TransferReport;
  /** Told as the transfer goes on, also of one that then fails. */
  readonly onProgress: (progress: TransferProgress) => void;
  readonly signal: AbortSignal;
  /** Pause before the second try; it doubles. Default: one second. */
  readonly firstPauseMs?: number;
}

/** Lines of the job log in the form of runner-protocol.md §2.5. */
export interface TransferReport {
  info(message: string, fields?: Readonly<Record<string, string | number>>): void;
  warning(message: string, fields?: Readonly<Record<string, string | number>>): void;
}

export interface TransferProgress {
  /** Bytes of the archive that came, or went, over all tries. */
  readonly networkBytes: number;
  /** Tries after the first. */
  readonly retries: number;
}

/** Rule: runner-protocol.md §3.7. */
const maxTries = 3;
export const defaultFirstPauseMs = 1_000;

/**
 * Tries as often as it may help, with growing pauses.
 *
 * @param once is told which try it is, from 0, and a signal that is aborted after `timeoutMs`.
 * @throws {CacheTransferError} of the last try. @throws the signal's reason when it was aborted.
 */
export async function withRetries<Result>(
  { timeoutMs, report, signal, firstPauseMs = defaultFirstPauseMs }: TransferOptions,
  once: (attempt: number, signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  for (let attempt = 0; ; attempt += 1) {
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      return await once(attempt, AbortSignal.any([signal, timeout]));
    } catch (cause) {
      signal.throwIfAborted();
      const error = timeout.aborted ? timedOut(timeoutMs, cause) : cause;
      if (!(error instanceof CacheTransferError && error.retryable) || attempt + 1 >= maxTries) throw error;
      await delay(firstPauseMs * 2 ** attempt, undefined, { signal }).catch(() => signal.throwIfAborted());
      report.warning("Retrying...", { error: error.message });
    }
  }
}

function timedOut(timeoutMs: number, cause: unknown): CacheTransferError {
  return new CacheTransferError(`the store took longer than ${timeoutMs / 1000} s`, { retryable: true, cause });
}
