import type { RunnerConfig } from "../config/runner-config.ts";
import type { CoordinatorClient } from "../coordinator-client/coordinator-client.ts";
import { RequestLimit } from "./request-limit.ts";
import { RunnerHealth } from "./runner-health.ts";

/** One `[[runners]]` entry at work: its connections, its health, and how much of it is going on. */
export interface RunnerEntry {
  readonly runner: RunnerConfig;
  readonly client: CoordinatorClient;
  readonly health: RunnerHealth;
  readonly requestLimit: RequestLimit;
  /** Job requests out. */
  requests: number;
  /** Jobs running. */
  jobs: number;
  /** Job requests without an answer since the last one that had one. */
  failedRequests: number;
  /** Not before this (monotonic ms) does it ask again: the coordinator named a time. */
  asksAgainAtMs: number;
}

export function createRunnerEntry(runner: RunnerConfig, client: CoordinatorClient): RunnerEntry {
  return {
    runner,
    client,
    health: new RunnerHealth(runner),
    requestLimit: new RequestLimit({
      requestConcurrency: runner.requestConcurrency,
      isAdaptive: runner.featureFlags["FF_USE_ADAPTIVE_REQUEST_CONCURRENCY"] ?? true,
    }),
    requests: 0,
    jobs: 0,
    failedRequests: 0,
    asksAgainAtMs: Number.NEGATIVE_INFINITY,
  };
}

/**
 * Why the entry may not ask for a job now, if so. `limit` counts running jobs and requests that are out.
 *
 * Rule: runner-protocol.md §6.7.
 */
export function whyDeclined(entry: RunnerEntry): "unhealthy" | "no-room" | undefined {
  const { runner, requests, jobs, requestLimit, health, asksAgainAtMs } = entry;
  const nowMs = performance.now();
  if (nowMs < asksAgainAtMs || !health.mayAsk(nowMs)) return "unhealthy";
  const isWithinLimit = runner.limit <= 0 || jobs + requests < runner.limit;
  return isWithinLimit && requests < requestLimit.current ? undefined : "no-room";
}

/** Whether nothing of the entry is going on. */
export function isIdle({ requests, jobs }: RunnerEntry): boolean {
  return requests === 0 && jobs === 0;
}
