import path from "node:path";
import type { FunctionSources } from "@jobscope/functions";
import type { RunnerConfig } from "../../config/runner-config.ts";

/** Where the functions of all jobs of a process come from; one for each cache directory. */
export interface SharedFunctionSources {
  /** Loads the functions engine the first time. */
  at(cacheDirectory: string, environment: Readonly<Record<string, string | undefined>>): Promise<FunctionSources>;
}

export function createSharedFunctionSources(): SharedFunctionSources {
  const byDirectory = new Map<string, FunctionSources>();
  return {
    async at(cacheDirectory, environment) {
      const { createFunctionSources } = await import("@jobscope/functions");
      const sources =
        byDirectory.get(cacheDirectory) ?? createFunctionSources({ cacheDir: cacheDirectory, environment });
      byDirectory.set(cacheDirectory, sources);
      return sources;
    },
  };
}

/**
 * Fetched functions are kept beside the job caches; no namespace of GitLab's begins with a dot. With containers `cache_dir`
 * is a directory in them, and this is one of the runner's machine.
 */
export function functionCacheDirectory({
  runner,
  workingDirectory,
}: {
  readonly runner: Pick<RunnerConfig, "docker" | "cacheDir">;
  readonly workingDirectory: string;
}): string {
  const own = runner.docker === undefined ? runner.cacheDir : undefined;
  return path.join(own ?? path.join(workingDirectory, "cache"), ".functions");
}
