import type { ShellProcess } from "./shell-process.ts";

/**
 * Keeps at most one shell of one job started ahead of the script that it will run, so that the job does not wait for
 * the profile of a login shell: 140 ms here, of the 160 that such a shell takes.
 *
 * Isolation is as without it: a shell runs one script of one job. Only the moment differs at which it reads its profile:
 * while the job is prepared or its sources are fetched, or just before the job came (`SpareShells`).
 */
export interface ShellAhead {
  /** Begins to start a shell, unless there is one. */
  prepare(): void;
  /** The shell that was started ahead, or a new one. @throws {ExecutorError} when none can be started. */
  take(): Promise<ShellProcess>;
  /** Lets go of a shell that nobody takes any more. */
  release(): void;
}

/**
 * @param start starts a shell for this job.
 * @param first one that was started before the job came; `undefined`: none was.
 * @param retire is given a shell that runs no script after all; it ends by itself.
 */
export function createShellAhead(
  start: () => Promise<ShellProcess>,
  retire: (shell: Promise<ShellProcess | undefined>) => void,
  first?: Promise<ShellProcess | undefined>,
): ShellAhead {
  let waiting = first;
  return {
    prepare() {
      // Whoever takes it starts another one and hears why that does not work.
      waiting ??= start().catch(() => undefined);
    },
    async take() {
      const started = waiting;
      waiting = undefined;
      const shell = await started;
      return shell === undefined || shell.hasExited ? start() : shell;
    },
    release() {
      if (waiting !== undefined) retire(waiting);
      waiting = undefined;
    },
  };
}
