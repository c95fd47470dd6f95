import { type ShellProcess, type ShellStart, startShell } from "./shell-process.ts";
import { signalGroup } from "./stop-processes.ts";

/**
 * Keeps one shell started ahead of the script that it will run, so that a job does not wait for the profile of a login
 * shell: 140 ms here, of the 160 that such a shell takes.
 *
 * Isolation is as without it: a shell runs one script and no other, and it is started with the same arguments,
 * environment and directory. Only the moment differs at which it reads its profile, by `maxSpareMs` at most.
 */
export interface SpareShells {
  /** A shell that has run nothing. */
  take(start: Omit<ShellStart, "mark">): Promise<ShellProcess>;
  /** Begins to start a shell of that kind, unless there is one. */
  prepare(start: Omit<ShellStart, "mark">): void;
  /** Ends the shell that waits. */
  dispose(): Promise<void>;
}

/** How long a shell waits for a job. What it read from the profile is never older. */
const maxSpareMs = 10_000;

interface Spare {
  readonly key: string;
  readonly shell: Promise<ShellProcess | undefined>;
  readonly timer: NodeJS.Timeout;
}

export function createSpareShells(newMark: () => string): SpareShells {
  let spare: Spare | undefined;
  const ending = new Set<Promise<void>>();

  function discard({ shell, timer }: Spare): void {
    clearTimeout(timer);
    const end = shell.then(async (started) => {
      if (started === undefined) return;
      signalGroup(started.pid, "SIGKILL");
      started.detach();
      await started.exited;
    });
    ending.add(end);
    void end.finally(() => ending.delete(end));
  }

  function start(kind: Omit<ShellStart, "mark">): Promise<ShellProcess> {
    return startShell({ ...kind, mark: newMark() });
  }

  return {
    async take(kind) {
      const waiting = spare;
      if (waiting?.key !== keyOf(kind)) return start(kind);
      spare = undefined;
      clearTimeout(waiting.timer);
      const shell = await waiting.shell;
      return shell === undefined || shell.hasExited ? start(kind) : shell;
    },
    prepare(kind) {
      const key = keyOf(kind);
      if (spare?.key === key) return;
      if (spare !== undefined) discard(spare);
      const timer = setTimeout(() => {
        if (spare?.timer !== timer) return;
        discard(spare);
        spare = undefined;
      }, maxSpareMs);
      timer.unref();
      // Whoever takes it starts another one and hears why that does not work.
      spare = { key, shell: start(kind).catch(() => undefined), timer };
    },
    async dispose() {
      if (spare !== undefined) discard(spare);
      spare = undefined;
      await Promise.all(ending);
    },
  };
}

function keyOf(kind: Omit<ShellStart, "mark">): string {
  return kind.command.join("\0");
}
