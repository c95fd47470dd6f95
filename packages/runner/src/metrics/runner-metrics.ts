import type { RoleEvent } from "../cache/remote/role-event.ts";
import type { RunnerConfig } from "../config/runner-config.ts";
import type { FailureReason } from "../coordinator-client/failure-reason.ts";
import type { ApiAttempt } from "../coordinator-client/http/api.ts";
import type { Job } from "../coordinator-client/job.ts";

/** Which runner something happened to. */
export type MeteredRunner = Pick<RunnerConfig, "shortToken" | "name" | "executor" | "queuingLimits">;

/** Why an entry could not ask for a job when it was its turn. */
export type DeclineReason = "unhealthy" | "limit" | "request-concurrency";

/** What is counted as it happens. What can be looked at instead is read from the manager's status at each scrape. */
export interface RunnerMetrics {
  /** One HTTP attempt of the coordinator client. */
  apiAttempted(runner: MeteredRunner, attempt: ApiAttempt): void;
  /** An entry was offered to the workers. */
  runnerOffered(runner: MeteredRunner): void;
  /** An entry could not ask although it was its turn. */
  offerDeclined(runner: MeteredRunner, why: DeclineReason): void;
  jobReceived(runner: MeteredRunner, job: Job): void;
  /** @param failureReason `undefined` after a success. @param durationS from acknowledgement to final update. */
  jobEnded(runner: MeteredRunner, job: Job, failureReason: FailureReason | undefined, durationS: number): void;
  /** A build stage is over. Only for jobs with `FF_EXPORT_HIGH_CARDINALITY_METRICS`. */
  jobStageEnded(runner: MeteredRunner, stage: string, durationS: number): void;
  /** The job could not be processed at all. */
  processingFailed(runner: MeteredRunner, failureType: "unreadable_job" | "internal_error"): void;
  configLoaded(outcome: "loaded" | "failed"): void;
  /** The configuration file was written: a runner token was replaced. */
  configSaved(outcome: "saved" | "failed"): void;
  /** A line of the runner log that tells of trouble. */
  troubleLogged(level: "warning" | "error"): void;
  /** A store of caches needed the session of a role. */
  roleHappened(event: RoleEvent): void;
}

/** For a manager without a metrics server. */
export const noMetrics: RunnerMetrics = {
  apiAttempted() {},
  runnerOffered() {},
  offerDeclined() {},
  jobReceived() {},
  jobEnded() {},
  jobStageEnded() {},
  processingFailed() {},
  configLoaded() {},
  configSaved() {},
  troubleLogged() {},
  roleHappened() {},
};
