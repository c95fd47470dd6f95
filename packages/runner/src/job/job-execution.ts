import type { JobTrace } from "@jobscope/job-telemetry";
import type { Log } from "@jobscope/labkit";
import type { RemoteCache } from "../cache/remote/remote-cache.ts";
import type { RunnerConfig } from "../config/runner-config.ts";
import type { CoordinatorClient } from "../coordinator-client/coordinator-client.ts";
import type { Job } from "../coordinator-client/job.ts";
import type { Executor } from "../executors/executor.ts";
import type { SharedFunctionSources } from "./functions/function-sources.ts";
import type { JobLogBuffer } from "./log/job-log-buffer.ts";

/** What one job needs to run. Made by the manager, one per job (`manager/run-one-job.ts`). */
export interface JobExecutionOptions {
  readonly job: Job;
  readonly runner: RunnerConfig;
  /** For artifacts. Job state and job log are the reporter's business. */
  readonly client: CoordinatorClient;
  /** The runner's store of caches: one an entry of the configuration. `undefined`: caches stay on its disk. */
  readonly remoteCache?: RemoteCache | undefined;
  /** Where scripts run: one per process (`createShellExecutor`), disposed of by the manager. */
  readonly executor: Executor;
  /** Where the functions of `run:` jobs come from: one per process (`createSharedFunctionSources`). */
  readonly functionSources: SharedFunctionSources;
  /** Runner log; every line carries `ci.job.id`. */
  readonly log: Log;
  /** Ended by the manager when the job's final state is known. */
  readonly jobTrace: JobTrace;
  /** What the job log's header says of the trace. Default: nothing. */
  readonly traceLine?: string | undefined;
  /** Whether the telemetry policy has `commandSpans`: the scripts then say where each line begins. Default: false. */
  readonly commandSpans?: boolean;
  /**
   * Where the job's output goes (`createJobLogBuffer`). Complete when `executeJob` returns; disposed of by the manager.
   */
  readonly jobLog: JobLogBuffer;
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
  /** The runner process's environment: what artifact and cache paths may refer to beside the job's variables. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Told as build stages begin and end; must not throw. Default: nobody. */
  readonly onStage?: (moment: StageMoment) => void;
  /** Who says `Running with …` in the first line and in git's user agent. */
  readonly product: ProductVersion;
}

/** A build stage begins, or is over. */
export interface StageMoment {
  /** GitLab's name of it: `get_sources`. */
  readonly name: string;
  /** `undefined`: it begins. */
  readonly durationS: number | undefined;
  /** `FF_EXPORT_HIGH_CARDINALITY_METRICS` of the job. */
  readonly isMetered: boolean;
}

/** How the runner names itself. Rule: runner-protocol.md §2.4.3. */
export interface ProductVersion {
  /** `gitlab-runner` for logs that tools compare. */
  readonly name: string;
  readonly version: string;
  /** Eight hex digits, or `HEAD`. */
  readonly revision: string;
}
