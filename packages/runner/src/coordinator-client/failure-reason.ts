/** GitLab's words for why a job failed, spelling kept (runner-protocol.md §2.7). */
export const failureReasons = [
  "script_failure",
  "runner_system_failure",
  "job_execution_timeout",
  "image_pull_failure",
  "runner_configuration_error",
  "runner_external_dependency_failure",
  "runner_interrupted",
  "job_canceled",
  "unknown_failure",
] as const;

export type FailureReason = (typeof failureReasons)[number];

export function isFailureReason(text: string): text is FailureReason {
  return (failureReasons as readonly string[]).includes(text);
}

/** Reasons that every coordinator accepts, listed or not. */
const alwaysAccepted: ReadonlySet<FailureReason> = new Set([
  "script_failure",
  "runner_system_failure",
  "job_execution_timeout",
]);

/** What is said instead to a coordinator that does not list the reason. */
const olderReasonOf: ReadonlyMap<FailureReason, FailureReason> = new Map([
  ["image_pull_failure", "runner_system_failure"],
  ["runner_configuration_error", "script_failure"],
  ["runner_external_dependency_failure", "runner_system_failure"],
  ["runner_interrupted", "unknown_failure"],
  ["job_canceled", "unknown_failure"],
]);

/**
 * The reason to report to a coordinator that understands only `accepted`.
 *
 * @param accepted `features.failure_reasons` of the job; the three fixed reasons need not be in it.
 *
 * Rule: runner-protocol.md §2.7.
 */
export function reportableFailureReason(reason: FailureReason, accepted: readonly FailureReason[]): FailureReason {
  const isAccepted = (candidate: FailureReason) => alwaysAccepted.has(candidate) || accepted.includes(candidate);
  if (isAccepted(reason)) return reason;
  const older = olderReasonOf.get(reason);
  return older !== undefined && isAccepted(older) ? older : "unknown_failure";
}
