import type { SpanAttributes } from "../attributes.ts";
import type { TelemetryPolicy } from "../policy.ts";
import type { JobVerdict, SpanOutcome } from "./job-trace.ts";

const canceledReason = "job_canceled";

/** How `job_execution` ends, as any span does. A failure for being canceled is a cancellation (runner-protocol.md §2.8). */
export function verdictOutcome(verdict: JobVerdict): SpanOutcome {
  if (verdict.status === "success") return { status: "success" };
  const { message } = verdict;
  if (isCancellation(verdict)) return { status: "canceled", message };
  return {
    status: "failed",
    errorType: verdict.failureReason ?? "unknown_failure",
    exitCode: exitCodeOf(verdict),
    message,
    error: errorOf(verdict),
  };
}

/** What `job_execution` says of the job's end, in the vocabularies that were asked for. Rule: telemetry.md §2. */
export function verdictAttributes(verdict: JobVerdict, semconv: TelemetryPolicy["semconv"]): SpanAttributes {
  const failureReason = failureReasonOf(verdict);
  return {
    "ci.job.failure_reason": failureReason,
    "ci.job.exit_code": exitCodeOf(verdict),
    "ci.job.log.bytes": verdict.logBytes,
    ...(semconv !== "otel" && { "ci.job.status": isCancellation(verdict) ? "canceled" : verdict.status }),
    ...(semconv !== "gitlab" && { "cicd.pipeline.task.run.result": taskResult(failureReason) }),
  };
}

/** OpenTelemetry's word for the result: `failure` is the job's own doing, `error` somebody else's. */
function taskResult(failureReason: string | undefined): string {
  switch (failureReason) {
    case undefined:
      return "success";
    case "script_failure":
      return "failure";
    case "job_execution_timeout":
      return "timeout";
    case canceledReason:
      return "cancellation";
    default:
      return "error";
  }
}

function failureReasonOf(verdict: JobVerdict): string | undefined {
  if (verdict.status === "success") return undefined;
  return verdict.failureReason ?? (verdict.status === "canceled" ? canceledReason : "unknown_failure");
}

function isCancellation(verdict: JobVerdict): boolean {
  return verdict.status === "canceled" || (verdict.status === "failed" && verdict.failureReason === canceledReason);
}

function exitCodeOf(verdict: JobVerdict): number | undefined {
  return verdict.status === "failed" ? verdict.exitCode : undefined;
}

function errorOf(verdict: JobVerdict): Error | undefined {
  return verdict.status === "failed" ? verdict.error : undefined;
}
