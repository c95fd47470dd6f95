import type { JobAnswer } from "./coordinator-client.ts";
import { type ApiAnswer, headerOf } from "./http/api.ts";

/** Longest update interval obeyed (runner-protocol.md §1.11). */
const maxUpdateIntervalMs = 15 * 60_000;

/** What the headers of an answer about a running job say. */
export interface JobAnswerHeaders extends JobAnswer {
  /** Set when `Job-Status` is final: the job is no longer ours. */
  readonly finalStatus: string | undefined;
}

/** Reads `Job-Status` and `X-GitLab-Trace-Update-Interval`. Unknown statuses mean nothing (runner-protocol.md §9.2). */
export function readJobAnswer(answer: Pick<ApiAnswer, "headers">): JobAnswerHeaders {
  const status = headerOf(answer, "job-status");
  const intervalS = Number(headerOf(answer, "x-gitlab-trace-update-interval"));
  return {
    cancelRequested: status === "canceling",
    updateIntervalMs:
      Number.isInteger(intervalS) && intervalS > 0 ? Math.min(intervalS * 1000, maxUpdateIntervalMs) : undefined,
    finalStatus: status === "canceled" || status === "failed" ? status : undefined,
  };
}

/** The answer when none came. */
export const noJobAnswer: JobAnswer = { cancelRequested: false, updateIntervalMs: undefined };

/** Why a job is no longer ours, in words for the runner log; `undefined` while it is. */
export function abortReason(status: number, finalStatus: string | undefined): string | undefined {
  if (finalStatus !== undefined) return `the coordinator reports the job as ${finalStatus}`;
  return status === 403 ? "the coordinator answers 403: the job is not ours or no longer running" : undefined;
}
