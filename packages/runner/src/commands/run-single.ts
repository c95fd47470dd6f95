import { parseConfig } from "../config/parse-config.ts";
import { startRunnerManager } from "../manager/start-runner-manager.ts";
import type { RunContext } from "./run-context.ts";
import { serveUntilStopped } from "./serve-until-stopped.ts";

export interface RunSingleOptions {
  /** The `[[runners]]` table, keys as in the file. */
  readonly runner: Readonly<Record<string, unknown>>;
  /** Ends after so many jobs. 0 (default): never. */
  readonly maxBuilds?: number;
  /** Ends when there was no job for so many seconds. 0 (default): never. */
  readonly waitTimeoutS?: number;
  readonly workingDirectory?: string;
}

/**
 * Runs jobs of one runner, one at a time, without a configuration file.
 *
 * @returns the process's exit code, as for `run`. @throws {ConfigError}
 *
 * Rule: runner-protocol.md §6.8 and §6.9.
 */
export async function runSingle(options: RunSingleOptions, context: RunContext): Promise<0 | 1> {
  const { log, signals, environment } = context;
  const config = parseConfig({ concurrent: 1, runners: [options.runner] }, { environment });
  const done = new AbortController();
  const idle = startIdleTimer(options.waitTimeoutS ?? 0, () => done.abort());
  let jobsLeft =
    options.maxBuilds === undefined || options.maxBuilds <= 0 ? Number.POSITIVE_INFINITY : options.maxBuilds;
  await using manager = await startRunnerManager({
    config,
    log,
    environment,
    ...(options.workingDirectory === undefined ? {} : { workingDirectory: options.workingDirectory }),
    observer: {
      jobStarted: () => idle.pause(),
      jobEnded() {
        jobsLeft -= 1;
        // Before the worker is free again, so that not one job more is asked for.
        if (jobsLeft <= 0) done.abort();
        else idle.restart();
      },
    },
  });
  idle.restart();
  const { shutdownTimeoutMs } = config;
  const code = await serveUntilStopped({ manager, log, signals, shutdownTimeoutMs, onReload() {}, done: done.signal });
  idle.pause();
  return code;
}

function startIdleTimer(timeoutS: number, onTimeout: () => void) {
  let timer: NodeJS.Timeout | undefined;
  return {
    pause: () => clearTimeout(timer),
    restart() {
      clearTimeout(timer);
      if (timeoutS > 0) timer = setTimeout(onTimeout, timeoutS * 1000);
    },
  };
}
