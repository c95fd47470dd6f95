import type { JobTrace } from "@jobscope/job-telemetry";
import type { Log } from "@jobscope/labkit";
import type { RunnerConfig } from "../config/runner-config.ts";
import type { CoordinatorClient } from "../coordinator-client/coordinator-client.ts";
import type { Job } from "../coordinator-client/job.ts";
import type { JobLogSource } from "../coordinator-client/job-log-source.ts";

/** What one job needs to run. Made by the manager, one per job (`manager/run-one-job.ts`). */
export interface JobExecutionOptions {
  readonly job: Job;
  readonly runner: RunnerConfig;
  /** For artifacts. Job state and job log are the reporter's business. */
  readonly client: CoordinatorClient;
  /** Runner log; every line carries `ci.job.id`. */
  readonly log: Log;
  readonly jobTrace: JobTrace;
  /** Where the job's output goes; closed by `executeJob` before it returns, disposed of by the manager. */
  readonly jobLog: JobLog;
  /** Aborted: kill everything, no further stage. Its reason is a `JobInterruption`. */
  readonly signal: AbortSignal;
  /** Aborted once at most: the graceful cancel of runner-protocol.md §2.8. Its reason is a `JobInterruption`. */
  readonly cancelSignal: AbortSignal;
  /** `CI_CONCURRENT_ID` and `CI_CONCURRENT_PROJECT_ID` (runner-protocol.md §3.3). */
  readonly concurrentId: number;
  readonly concurrentProjectId: number;
  readonly systemId: string;
  /** Directory that `builds/` and `cache/` default to (the manager's working directory), absolute. */
  readonly workingDirectory: string;
}

/** The job log's store: written by the job, read by the reporter. */
export interface JobLog extends JobLogSource, AsyncDisposable {}
