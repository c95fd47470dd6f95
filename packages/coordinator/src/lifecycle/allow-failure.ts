import type { AllowFailure } from "../pipeline/config/job-definition.ts";

/** Whether a job that ended with an exit code may fail (runner-protocol.md §2.7: decided by the coordinator). */
export function mayFail(allowFailure: AllowFailure, exitCode: number | undefined): boolean {
  if (typeof allowFailure === "boolean") return allowFailure;
  return exitCode !== undefined && allowFailure.exitCodes.includes(exitCode);
}
