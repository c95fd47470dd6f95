import type { FailureReason } from "../coordinator-client/failure-reason.ts";

/**
 * A job cannot go on: one of its stages failed, or it cannot be run as it is. Becomes the job's verdict in `verdictOf`.
 *
 * The message is one line without secrets: the text after `Job failed:` (runner-protocol.md §2.6).
 */
export class JobFailure extends Error {
  override readonly name = "JobFailure";
  readonly code = "JOB_FAILED";
  readonly reason: FailureReason;
  /** Of the script that failed. */
  readonly exitCode: number | undefined;

  constructor(message: string, details: JobFailureDetails) {
    super(message, { cause: details.cause });
    this.reason = details.reason;
    this.exitCode = details.exitCode;
  }
}

export interface JobFailureDetails {
  readonly reason: FailureReason;
  readonly exitCode?: number | undefined;
  readonly cause?: unknown;
}
