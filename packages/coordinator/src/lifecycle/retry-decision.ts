import type { RetryDefinition } from "../pipeline/config/job-definition.ts";

/** What is known of a failed attempt. */
export interface FailedAttempt {
  /** From 1. */
  readonly attempt: number;
  readonly failureReason: string;
  readonly exitCode: number | undefined;
}

/**
 * Whether a failed job is run again by itself. Rule: GitLab's reference of `retry`: `max` counts retries, `when` and
 * `exit_codes` each suffice.
 */
export function isRetriedAfter(retry: RetryDefinition, failed: FailedAttempt): boolean {
  if (failed.attempt > retry.max) return false;
  if (failed.exitCode !== undefined && retry.exitCodes.includes(failed.exitCode)) return true;
  return retry.when.includes("always") || retry.when.includes(failed.failureReason);
}
