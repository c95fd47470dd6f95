import { setTimeout as delay } from "node:timers/promises";
import { JobInterruption } from "../job-interruption.ts";
import type { JobRun } from "../job-run.ts";

export interface AttemptOptions {
  readonly attempts: number;
  readonly signal: AbortSignal;
}

/**
 * Runs a stage until it succeeds, as often as the job's variables want.
 *
 * @throws what the last attempt threw, or at once what an interruption threw.
 *
 * Rule: runner-protocol.md §2.2.
 */
export async function attemptStage(
  run: Pick<JobRun, "flags" | "lines">,
  { attempts, signal }: AttemptOptions,
  body: (attempt: number) => Promise<void>,
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await body(attempt);
      return;
    } catch (error) {
      if (attempt >= attempts || error instanceof JobInterruption) throw error;
      run.lines.warning("Retrying...");
      await waitBeforeRetry(run, attempt, signal);
    }
  }
}

async function waitBeforeRetry(run: Pick<JobRun, "flags">, attempt: number, signal: AbortSignal): Promise<void> {
  const [firstMs, longestMs] = run.flags.FF_USE_EXPONENTIAL_BACKOFF_STAGE_RETRY ? [5_000, 300_000] : [1_000, 5_000];
  const ms = Math.min(longestMs, firstMs * 2 ** (attempt - 1));
  // The timer rejects with an error of its own; what counts is why it was aborted.
  await delay(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
}
