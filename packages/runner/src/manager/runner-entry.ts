import type { RemoteCache } from "../cache/remote/remote-cache.ts";
import type { RunnerConfig } from "../config/runner-config.ts";
import type { CoordinatorClient } from "../coordinator-client/coordinator-client.ts";
import type { DeclineReason } from "../metrics/runner-metrics.ts";
import { RequestLimit } from "./request-limit.ts";
import { RunnerHealth } from "./runner-health.ts";

/** How much of a runner is going on. */
export interface RunnerLoad {
  /** Job requests out. */
  requests: number;
  /** Jobs running. */
  jobs: number;
}

/** One `[[runners]]` entry at work: its connections, its health, and how much of it is going on. */
export interface RunnerEntry {
  readonly runner: RunnerConfig;
  readonly client: CoordinatorClient;
  /** The store of its caches, if it has one. */
  readonly remoteCache: RemoteCache | undefined;
  readonly health: RunnerHealth;
  readonly requestLimit: RequestLimit;
  /** What this entry began. */
  readonly own: RunnerLoad;
  /** That of all entries with the same runner token: after a reload, jobs of the entry that was replaced are in it. */
  readonly all: RunnerLoad;
  /** Jobs since a request came back without one. */
  jobsInARow: number;
  /** Job requests without an answer since the last one that had one. */
  failedRequests: number;
  /** Not before this (monotonic ms) does it ask again: the coordinator named a time. */
  asksAgainAtMs: number;
}

export function createRunnerEntry(
  about: Pick<RunnerEntry, "runner" | "client" | "remoteCache">,
  all: RunnerLoad,
): RunnerEntry {
  const { runner } = about;
  return {
    ...about,
    health: new RunnerHealth(runner),
    requestLimit: new RequestLimit({
      requestConcurrency: runner.requestConcurrency,
      isAdaptive: runner.featureFlags["FF_USE_ADAPTIVE_REQUEST_CONCURRENCY"] ?? true,
    }),
    own: { requests: 0, jobs: 0 },
    all,
    jobsInARow: 0,
    failedRequests: 0,
    asksAgainAtMs: Number.NEGATIVE_INFINITY,
  };
}

/** Notes that something of the entry begins; disposal notes its end. */
export function begin({ own, all }: RunnerEntry, what: keyof RunnerLoad): Disposable {
  own[what] += 1;
  all[what] += 1;
  return {
    [Symbol.dispose]() {
      own[what] -= 1;
      all[what] -= 1;
    },
  };
}

/**
 * Why the entry may not ask for a job now, if so. `limit` counts running jobs and requests that are out.
 *
 * Rule: runner-protocol.md §6.7.
 */
export function whyDeclined(entry: RunnerEntry): DeclineReason | undefined {
  const { runner, all, requestLimit, health, asksAgainAtMs } = entry;
  const nowMs = performance.now();
  if (nowMs < asksAgainAtMs || !health.mayAsk(nowMs)) return "unhealthy";
  if (runner.limit > 0 && all.jobs + all.requests >= runner.limit) return "limit";
  return entry.own.requests < requestLimit.current ? undefined : "request-concurrency";
}

/** Whether nothing of the entry is going on. */
export function isIdle({ own }: RunnerEntry): boolean {
  return own.requests === 0 && own.jobs === 0;
}
