import path from "node:path";
import type { FunctionSources } from "@jobscope/functions";
import type { JobExecutionOptions } from "../job-execution.ts";

/** Where the functions of all jobs of a process come from; one for each cache directory. */
export interface SharedFunctionSources {
  /** Loads the functions engine the first time. */
  at(cacheDirectory: string): Promise<FunctionSources>;
}

export function createSharedFunctionSources(): SharedFunctionSources {
  const byDirectory = new Map<string, FunctionSources>();
  return {
    async at(cacheDirectory) {
      const { createFunctionSources } = await import("@jobscope/functions");
      const sources = byDirectory.get(cacheDirectory) ?? createFunctionSources({ cacheDir: cacheDirectory });
      byDirectory.set(cacheDirectory, sources);
      return sources;
    },
  };
}

/** Fetched functions are kept beside the job caches; no namespace of GitLab's begins with a dot. */
export function functionCacheDirectory({ runner, workingDirectory }: JobExecutionOptions): string {
  return path.join(runner.cacheDir ?? path.join(workingDirectory, "cache"), ".functions");
}
