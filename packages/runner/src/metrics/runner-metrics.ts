import type { RunnerConfig } from "../config/runner-config.ts";
import type { FailureReason } from "../coordinator-client/failure-reason.ts";
import type { ApiAttempt } from "../coordinator-client/http/api.ts";
import type { Job } from "../coordinator-client/job.ts";

/** Which runner something happened to. */
export type MeteredRunner = Pick<RunnerConfig, "shortToken" | "name" | "executor">;

/** What is counted as it happens. What can be looked at instead is read from the manager's status at each scrape. */
export interface RunnerMetrics {
  /** One HTTP attempt of the coordinator client. */
  apiAttempted(runner: MeteredRunner, attempt: ApiAttempt): void;
  /** An entry was offered to the workers. */
  runnerOffered(runner: MeteredRunner): void;
  /** An entry could not ask although it was its turn. */
  offerDeclined(runner: MeteredRunner, why: "unhealthy" | "no-room"): void;
  jobReceived(runner: MeteredRunner, job: Job): void;
  /** @param failureReason `undefined` after a success. @param durationS from acknowledgement to final update. */
  jobEnded(runner: MeteredRunner, job: Job, failureReason: FailureReason | undefined, durationS: number): void;
  /** The job could not be processed at all. */
  processingFailed(runner: MeteredRunner, failureType: "unreadable_job" | "internal_error"): void;
  configLoaded(outcome: "loaded" | "failed"): void;
}

/** For a manager without a metrics server. */
export const noMetrics: RunnerMetrics = {
  apiAttempted() {},
  runnerOffered() {},
  offerDeclined() {},
  jobReceived() {},
  jobEnded() {},
  processingFailed() {},
  configLoaded() {},
};
