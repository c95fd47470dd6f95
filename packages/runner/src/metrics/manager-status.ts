import type { EndpointStats } from "@jobscope/labkit";
import type { RunnerConfig } from "../config/runner-config.ts";

/** In GitLab's words (runner-protocol.md §6.11). */
export const managerStates = ["starting", "running", "graceful-shutdown", "forceful-shutdown"] as const;

export type ManagerState = (typeof managerStates)[number];

/** What a runner manager is doing at one moment; read at each scrape. */
export interface ManagerStatus {
  readonly systemId: string;
  readonly state: ManagerState;
  readonly concurrent: number;
  /** Workers that came to be and ceased to be, since the start: `concurrent` changes with the configuration. */
  readonly workerSlots: { readonly started: number; readonly stopped: number };
  /** Workers asking for or running a job. */
  readonly busyWorkers: number;
  readonly runners: readonly RunnerStatus[];
  readonly jobs: readonly RunningJob[];
  readonly telemetry: readonly EndpointStats[];
}

export interface RunnerStatus {
  readonly runner: RunnerConfig;
  readonly jobs: number;
  /** Job requests out. */
  readonly requests: number;
  /** How many may be out now (runner-protocol.md §6.7). */
  readonly requestLimit: number;
}

/** What an observer may know about a job; made for views and the `/debug/jobs/list` page. */
export interface RunningJob {
  readonly jobId: number;
  readonly name: string;
  readonly projectId: number;
  readonly runnerName: string;
  /** See `RunnerConfig.shortToken`. */
  readonly runnerShortToken: string;
  /** Where people find the job; empty when the coordinator does not tell. */
  readonly url: string;
  /** The build stage that it is in, as GitLab names it: `step_script`. Changes. Empty before the first one. */
  readonly stage: string;
  /** 32 hex digits; `undefined` when the job is not traced. */
  readonly traceId: string | undefined;
  readonly startedAt: Date;
}
