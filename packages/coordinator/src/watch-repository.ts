import { setTimeout as delay } from "node:timers/promises";
import type { Log } from "@jobscope/labkit";
import { CoordinatorError } from "./coordinator-error.ts";
import type { PipelineRequest } from "./coordinator-options.ts";
import type { Git } from "./repository/git.ts";
import { findWorkTree } from "./repository/work-tree.ts";

/** What watching needs. */
export interface WatchDeps {
  readonly git: Git;
  readonly log: Log;
  /** Makes a pipeline and starts it. */
  readonly createPipeline: (request: PipelineRequest) => Promise<unknown>;
}

/** Looking costs one short git process. */
const intervalMs = 2_000;

/**
 * Makes a pipeline for each branch of a repository whose tip changes, or that is new, as a push to GitLab would.
 *
 * A branch that changes several times between two looks gets one pipeline. What cannot be planned is logged.
 *
 * @throws {CoordinatorError} `not-a-repository`.
 */
export async function watchRepository(deps: WatchDeps, repository: string): Promise<AsyncDisposable> {
  const { topLevel } = await findWorkTree(deps.git, repository);
  const stopping = new AbortController();
  const before = await branchTips(deps.git, topLevel);
  const watching = watch(deps, topLevel, before, stopping.signal);
  return {
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await watching;
    },
  };
}

async function watch(
  deps: WatchDeps,
  topLevel: string,
  before: ReadonlyMap<string, string>,
  signal: AbortSignal,
): Promise<void> {
  let known = before;
  while (!signal.aborted) {
    await delay(intervalMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    const tips = await branchTips(deps.git, topLevel).catch(() => known);
    for (const [branch, sha] of tips) {
      const beforeSha = known.get(branch);
      if (beforeSha !== sha) await push(deps, topLevel, { branch, beforeSha });
    }
    known = tips;
  }
}

async function push(
  { createPipeline, log }: WatchDeps,
  repository: string,
  { branch, beforeSha }: { branch: string; beforeSha: string | undefined },
): Promise<void> {
  try {
    const since = beforeSha === undefined ? {} : { beforeSha };
    await createPipeline({ repository, ref: `refs/heads/${branch}`, source: "push", ...since });
  } catch (err) {
    // `workflow: rules` may want no pipeline.
    if (err instanceof CoordinatorError && err.code === "no-jobs") log.info("a push has no jobs", { ref: branch });
    else log.warn("a push got no pipeline", { ref: branch, err });
  }
}

async function branchTips(git: Git, topLevel: string): Promise<Map<string, string>> {
  const listed = await git.text(["for-each-ref", "--format=%(objectname) %(refname:lstrip=2)", "refs/heads"], {
    cwd: topLevel,
  });
  const lines = listed.split("\n").filter((line) => line !== "");
  return new Map(lines.map((line) => [line.slice(line.indexOf(" ") + 1), line.slice(0, line.indexOf(" "))]));
}
