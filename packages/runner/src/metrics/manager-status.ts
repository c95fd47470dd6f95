import type { EndpointStats } from "@jobscope/labkit";
import type { RunnerConfig } from "../config/runner-config.ts";
import type { RunningJob } from "../manager/runner-manager.ts";

/** What a runner manager is doing at one moment; read at each scrape. */
export interface ManagerStatus {
  readonly systemId: string;
  readonly concurrent: number;
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
