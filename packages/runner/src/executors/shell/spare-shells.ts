import type { ShellProcess } from "./shell-process.ts";

/** A spare shell that nobody has taken after this time is let go: its profile may have changed. */
const spareMs = 2_000;

/**
 * Shells that were started for jobs which are expected at once, while a queue is being drained.
 *
 * Starting a process costs a runner of 100 MiB some 4 ms, in which it can do nothing else, and a login shell its profile:
 * between two jobs nobody waits for either. A spare shell has run nothing and belongs to the one job that takes it.
 */
export interface SpareShells {
  /** Starts one more. @param start as the job before it would have started its own. */
  add(command: readonly string[], start: () => Promise<ShellProcess>): void;
  /** `undefined` when there is none for that command. */
  take(command: readonly string[]): Promise<ShellProcess | undefined> | undefined;
  /** Lets go of all there are. */
  release(): void;
}

interface SpareShell {
  readonly command: string;
  readonly shell: Promise<ShellProcess | undefined>;
}

/** @param retire is given shells that run no script after all; they end by themselves. */
export function createSpareShells(retire: (shell: Promise<ShellProcess | undefined>) => void): SpareShells {
  let spares: SpareShell[] = [];
  let timer: NodeJS.Timeout | undefined;

  function release(): void {
    clearTimeout(timer);
    for (const { shell } of spares) retire(shell);
    spares = [];
  }

  return {
    add(command, start) {
      // The job that takes it starts another one and hears why that does not work.
      spares.push({ command: command.join("\0"), shell: start().catch(() => undefined) });
      clearTimeout(timer);
      timer = setTimeout(release, spareMs);
      timer.unref();
    },
    take(command) {
      const at = spares.findIndex((spare) => spare.command === command.join("\0"));
      return at === -1 ? undefined : spares.splice(at, 1)[0]?.shell;
    },
    release,
  };
}
