import type { Log } from "@jobscope/labkit";
import type { RunnerManagerConfig } from "../config/manager-config.ts";
import type { Environment } from "../config/process-environment.ts";
import type { JobVerdict } from "../job/job-verdict.ts";
import type { ManagerStatus, RunningJob } from "../metrics/manager-status.ts";
import type { RunnerMetrics } from "../metrics/runner-metrics.ts";
import type { SpanProcessor } from "./span-processor.ts";

/** The process that polls for all runners of one configuration and runs their jobs. */
export interface RunnerManager extends AsyncDisposable {
  /** Jobs being run now, oldest first. */
  readonly runningJobs: readonly RunningJob[];
  /** What is going on now, for metrics. */
  status(): ManagerStatus;
  /** Asks for no more jobs and gives up the job requests that are out. */
  stop(): void;
  /** After `stop()`: resolves when no job is left. @throws the signal's reason when it is aborted first. */
  drain(signal: AbortSignal): Promise<void>;
  /** Kills every running job; each reports `runner_interrupted`. `reason` ends the sentence `aborted: …`. */
  abort(reason: string): void;
  /**
   * Gives up what still runs: job processes are ended forcefully and no final update is waited for. For an operator who
   * asked twice; the manager still has to be disposed of.
   */
  kill(): Promise<void>;
  /** Takes over another configuration for what is asked for from now on; running jobs keep theirs. */
  reconfigure(config: RunnerManagerConfig): void;
  /**
   * Stops, kills what runs, waits up to `shutdown_timeout` for its final updates, flushes telemetry up to its
   * `flush_timeout`, and lets go of every socket and process. Safe to call twice.
   */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Called as jobs come and go. Nothing waits for it; what it throws is logged. */
export interface RunnerManagerObserver {
  jobStarted?(job: RunningJob): void;
  /** After the final update was sent, or given up. */
  jobEnded?(job: RunningJob, verdict: JobVerdict): void;
}

export interface RunnerManagerOptions {
  readonly config: RunnerManagerConfig;
  readonly log: Log;
  readonly observer?: RunnerManagerObserver;
  /**
   * See every span of every job beside the telemetry endpoints: a terminal view. When given, jobs are traced also
   * without any endpoint.
   */
  readonly spanProcessors?: readonly SpanProcessor[];
  /** Told what happens, as it happens. Default: nobody. */
  readonly metrics?: RunnerMetrics;
  /** Where `builds/` and `cache/` go unless configured. Default: the process's working directory. */
  readonly workingDirectory?: string;
  /** What jobs inherit. Default: this process's environment. */
  readonly environment?: Environment;
}
