import type { JobUpdate } from "./coordinator-client.ts";
import { type JobChannel, type ReportTiming, wait } from "./job-channel.ts";

/** The state a job ended in. */
export type FinalState = Pick<JobUpdate, "failureReason" | "exitCode"> & { readonly state: "success" | "failed" };

/** What became of the final update. */
export type FinalUpdateOutcome =
  /** The coordinator has the log and the state. */
  | { readonly kind: "stored" }
  /** The coordinator does not want it: the job is no longer ours. */
  | { readonly kind: "not-ours" }
  | { readonly kind: "given-up"; readonly rounds: number; readonly why: Error | undefined };

export interface FinalUpdateOptions {
  readonly final: FinalState;
  readonly timing: ReportTiming;
  /** `job_status_final_update_retry_limit`; at least one round is made. */
  readonly maxRounds: number;
  readonly signal: AbortSignal;
}

const maxRetryDelayMs = 60 * 60_000;
/** A coordinator that never agrees on the log's length or content would keep us for ever; upstream has no such bound. */
const maxDisagreements = 20;
/** GitLab itself takes the log as it is after five minutes of 202, that is 100 answers at the default interval. */
const maxAccepted = 200;

interface RoundFailure {
  readonly failure: Error | undefined;
}

/**
 * Hands over the rest of the job log, then the job's state, and repeats both until the coordinator has them.
 *
 * The first PATCH and PUT go out at once: a job is over for its user when the coordinator says so.
 * Rule: runner-protocol.md §1.11 "Final phase", §1.9 and §1.10.
 *
 * @throws the signal's reason.
 */
export async function sendFinalUpdate(channel: JobChannel, options: FinalUpdateOptions): Promise<FinalUpdateOutcome> {
  const { timing, maxRounds, signal } = options;
  channel.beginFinal();
  let delayMs = timing.finalRetryDelayMs;
  for (let round = 1; ; round += 1) {
    const result = await sendRound(channel, options);
    if (typeof result === "string") return { kind: result };
    if (round >= maxRounds) return { kind: "given-up", rounds: round, why: result.failure };
    await wait(delayMs, signal);
    delayMs = Math.min(delayMs * 2, maxRetryDelayMs);
  }
}

async function sendRound(
  channel: JobChannel,
  options: FinalUpdateOptions,
): Promise<"stored" | "not-ours" | RoundFailure> {
  const { final, signal } = options;
  let disagreements = 0;
  let accepted = 0;
  while (disagreements <= maxDisagreements && accepted <= maxAccepted) {
    const flushed = await flushLog(channel, signal);
    if (flushed !== "flushed") return flushed;
    const outcome = await channel.sendState(final, signal);
    switch (outcome.kind) {
      case "stored":
        return "stored";
      case "abort":
        return "not-ours";
      case "accepted":
        accepted += 1;
        await channel.waitInterval(signal);
        break;
      case "log-mismatch":
        disagreements += 1;
        channel.offset = 0;
        break;
      case "failed":
        return { failure: outcome.why };
    }
  }
  return { failure: new Error("the coordinator never agreed to the job log") };
}

/**
 * Sends all there is. A log that the coordinator does not want (403, a final `Job-Status`) or know (404) any more is left
 * alone; the state is told nevertheless, as GitLab's runner does.
 */
async function flushLog(channel: JobChannel, signal: AbortSignal): Promise<"flushed" | RoundFailure> {
  let disagreements = 0;
  while (disagreements <= maxDisagreements) {
    const outcome = await channel.sendSlice(signal);
    switch (outcome.kind) {
      case "nothing-new":
      case "not-found":
      case "abort":
        return "flushed";
      case "stored":
        break;
      case "resume-at":
        disagreements += 1;
        await channel.waitInterval(signal);
        break;
      case "failed":
        return { failure: outcome.why };
    }
  }
  return { failure: new Error("the coordinator never agreed to the job log's length") };
}
