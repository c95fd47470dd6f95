import type { Log } from "@jobscope/labkit";
import type { RunnerManagerConfig } from "../config/manager-config.ts";
import type { JobVerdict } from "../job/job-verdict.ts";

/** The process that polls for all runners of one configuration and runs their jobs. */
export interface RunnerManager extends AsyncDisposable {
  /** Jobs being run now, oldest first. */
  readonly runningJobs: readonly RunningJob[];
  /** Address of the metrics server, e.g. `http://127.0.0.1:9252`; `undefined` when none was asked for. */
  readonly metricsUrl: string | undefined;
  /** Asks for no more jobs. Job requests under way are given up; what they still bring is run. */
  stop(): void;
  /** After `stop()`: resolves when no job is left. @throws the signal's reason when it is aborted first. */
  drain(signal: AbortSignal): Promise<void>;
  /** Kills every running job; each reports `runner_interrupted`. `reason` ends the sentence `aborted: …`. */
  abort(reason: string): void;
  /** Takes over another configuration for what is asked for from now on; running jobs keep theirs. */
  reconfigure(config: RunnerManagerConfig): void;
}

/** What an observer may know about a job; made for views and the `/debug/jobs/list` page. */
export interface RunningJob {
  readonly jobId: number;
  readonly name: string;
  readonly projectId: number;
  readonly runnerName: string;
  readonly traceId: string | undefined;
  readonly startedAt: Date;
}

/** Calls made as jobs come and go. None may throw; none is awaited. */
export interface RunnerManagerObserver {
  jobStarted?(job: RunningJob): void;
  /** After the final update was sent, or given up. */
  jobEnded?(job: RunningJob, verdict: JobVerdict): void;
}

export interface RunnerManagerOptions {
  readonly config: RunnerManagerConfig;
  readonly log: Log;
  readonly observer?: RunnerManagerObserver;
}
