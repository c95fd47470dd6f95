import type { RunnerOptions } from "../coordinator-options.ts";
import { hashToken } from "../tokens.ts";
import type { CoordinatorState } from "./coordinator-state.ts";
import type { RunnerRecord } from "./records.ts";

/** Stores a runner; of its token only the hash. */
export function newRunner(
  state: CoordinatorState,
  nowMs: number,
  token: string,
  options: RunnerOptions & { readonly paused?: boolean },
): RunnerRecord {
  const tags = options.tags ?? [];
  const runner: RunnerRecord = {
    id: state.nextId("runners"),
    tokenHash: hashToken(token),
    description: options.description,
    tags,
    runUntagged: options.runUntagged ?? tags.length === 0,
    ignoresTags: options.ignoresTags ?? false,
    containers: options.containers ?? "announced",
    paused: options.paused ?? false,
    onlyProtectedRefs: options.onlyProtectedRefs ?? false,
    maximumTimeoutSeconds: options.maximumTimeoutSeconds,
    createdAtMs: nowMs,
    contactedAtMs: undefined,
  };
  state.saveRunner(runner);
  return runner;
}
