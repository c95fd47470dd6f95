import type { JobVerdict as TraceVerdict } from "@jobscope/job-telemetry";
import type { JobVerdict } from "../job/job-verdict.ts";

/** A job's verdict in the words of its trace: a cancelled job is `canceled` there, not `failed` (telemetry.md §2). */
export function traceVerdict(verdict: JobVerdict, logBytes: number): TraceVerdict {
  if (verdict.state === "success") return { status: "success", logBytes };
  const { failureReason, exitCode, message } = verdict;
  if (failureReason === "job_canceled") return { status: "canceled", failureReason, message, logBytes };
  return { status: "failed", failureReason, exitCode, message, logBytes };
}
