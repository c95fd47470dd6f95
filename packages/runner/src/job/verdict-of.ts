import { ExecutorError } from "../executors/executor.ts";
import { JobFailure } from "./job-failure.ts";
import { JobInterruption } from "./job-interruption.ts";
import type { JobVerdict } from "./job-verdict.ts";
import type { JobLogLines } from "./log/job-log.ts";

type FailedVerdict = Extract<JobVerdict, { state: "failed" }>;

/** The one place where what was thrown becomes a verdict. Rule: runner-protocol.md §2.7, §2.8. */
export function verdictOf(thrown: unknown): FailedVerdict {
  if (thrown instanceof JobInterruption) return verdictOfInterruption(thrown);
  if (thrown instanceof JobFailure) {
    const { reason, message, exitCode } = thrown;
    return { state: "failed", failureReason: reason, message, exitCode };
  }
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const reason = thrown instanceof ExecutorError ? thrown.reason : undefined;
  return { state: "failed", failureReason: reason ?? "runner_system_failure", message };
}

function verdictOfInterruption(interruption: JobInterruption): FailedVerdict {
  const failureReason = {
    "coordinator-cancel": "job_canceled",
    "coordinator-abort": "job_canceled",
    timeout: "job_execution_timeout",
    shutdown: "runner_interrupted",
  } as const;
  return {
    state: "failed",
    failureReason: failureReason[interruption.by],
    message: interruption.message,
    interruptedBy: interruption.by,
  };
}

/** Whether something thrown is a fault of ours, whose stack belongs into the runner log. */
export function isUnexpected(thrown: unknown): boolean {
  return !(thrown instanceof JobInterruption || thrown instanceof JobFailure || thrown instanceof ExecutorError);
}

/** Writes the last line of the job log. Rule: runner-protocol.md §2.6. */
export function writeEnding(lines: JobLogLines, verdict: JobVerdict): void {
  if (verdict.state === "success") lines.info("Job succeeded");
  else if (verdict.failureReason === "runner_system_failure") {
    lines.error(`Job failed (system failure): ${verdict.message}`);
  } else lines.error(`Job failed: ${verdict.message}`);
}

/** `CI_JOB_STATUS` as `after_script` sees it. Rule: runner-protocol.md §2.3. */
export function jobStatusOf(failure: unknown): "success" | "failed" | "canceled" | "timedout" {
  if (failure === undefined) return "success";
  if (!(failure instanceof JobInterruption)) return "failed";
  return failure.by === "timeout" ? "timedout" : "canceled";
}
