import { setTimeout as delay } from "node:timers/promises";
import type { Log } from "@jobscope/labkit";
import { CoordinatorError } from "./coordinator-error.ts";
import type { PipelineRequest } from "./coordinator-options.ts";
import type { Git } from "./repository/git.ts";
import { lfsObjectsOf, type WorkTree } from "./repository/work-tree.ts";

/** What watching needs. */
export interface WatchDeps {
  readonly git: Git;
  readonly log: Log;
  /** Makes a pipeline and starts it. */
  readonly createPipeline: (request: PipelineRequest) => Promise<unknown>;
}

/** A repository that pipelines are made of when its refs change. */
export interface WatchedRepository {
  /** Its git directory: pushes over HTTP go there. */
  readonly folder: string;
  readonly lfsObjects: string;
  /** Looks now: something was pushed. */
  readonly look: () => void;
}

/** Looking costs one short git process. */
const intervalMs = 2_000;

/** The refs whose tips make pipelines. */
const watchedRefs = ["refs/heads", "refs/tags"];

/**
 * Makes a pipeline for each branch or tag of a repository whose tip changes, or that is new, as a push to GitLab would.
 *
 * A branch that changes several times between two looks gets one pipeline. What cannot be planned is logged.
 */
export async function watchRepository(
  deps: WatchDeps,
  workTree: WorkTree,
): Promise<WatchedRepository & AsyncDisposable> {
  const stopping = new AbortController();
  const before = await tips(deps.git, workTree.topLevel);
  let wakeUp: () => void = () => undefined;
  const pause = async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    wakeUp = resolve;
    const waited = new AbortController();
    const signal = AbortSignal.any([stopping.signal, waited.signal]);
    await Promise.race([promise, delay(intervalMs, undefined, { signal }).catch(() => undefined)]);
    waited.abort();
  };
  const watching = watch(deps, workTree.topLevel, { before, pause, signal: stopping.signal });
  return {
    folder: workTree.commonDir,
    lfsObjects: lfsObjectsOf(workTree),
    look: () => wakeUp(),
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await watching;
    },
  };
}

async function watch(
  deps: WatchDeps,
  topLevel: string,
  { before, pause, signal }: { before: ReadonlyMap<string, string>; pause: () => Promise<void>; signal: AbortSignal },
): Promise<void> {
  let known = before;
  while (!signal.aborted) {
    await pause();
    if (signal.aborted) return;
    const now = await tips(deps.git, topLevel).catch(() => known);
    for (const [ref, sha] of now) {
      const beforeSha = known.get(ref);
      if (beforeSha !== sha) await push(deps, topLevel, { ref, beforeSha });
    }
    known = now;
  }
}

async function push(
  { createPipeline, log }: WatchDeps,
  repository: string,
  { ref, beforeSha }: { ref: string; beforeSha: string | undefined },
): Promise<void> {
  try {
    const since = beforeSha === undefined ? {} : { beforeSha };
    await createPipeline({ repository, ref, source: "push", ...since });
  } catch (err) {
    // `workflow: rules` may want no pipeline.
    if (err instanceof CoordinatorError && err.code === "no-jobs") log.info("a push has no jobs", { ref });
    else log.warn("a push got no pipeline", { ref, err });
  }
}

async function tips(git: Git, topLevel: string): Promise<Map<string, string>> {
  const listed = await git.text(["for-each-ref", "--format=%(objectname) %(refname)", ...watchedRefs], {
    cwd: topLevel,
  });
  const lines = listed.split("\n").filter((line) => line !== "");
  return new Map(lines.map((line) => [line.slice(line.indexOf(" ") + 1), line.slice(0, line.indexOf(" "))]));
}
