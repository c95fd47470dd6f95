import type { ShellProcess } from "./shell-process.ts";
import { type StopLimits, signalGroup, stopGroup } from "./stop-processes.ts";

/** Shells that run no script after all, until they are gone. */
export interface RetiringShells {
  /** Ends a shell in its own time; nobody waits for it. `undefined`: it could not be started. */
  retire(shell: Promise<ShellProcess | undefined>): void;
  /** Resolves when all of them are gone: after `finishMs` and the limits at the latest. */
  settled(): Promise<void>;
}

/** How long a shell may take for the rest of its profile. */
const defaultFinishMs = 5_000;

/**
 * A shell is ended by the end of its input: it finishes its profile and exits by itself. A signal could meet it inside
 * a lock that the profile holds (`pyenv init` takes one), and every later login shell of the machine would wait for it.
 */
export function createRetiringShells(
  limits: StopLimits,
  { finishMs = defaultFinishMs }: { readonly finishMs?: number } = {},
): RetiringShells {
  const ending = new Set<Promise<void>>();

  async function end(shell: Promise<ShellProcess | undefined>): Promise<void> {
    const started = await shell;
    if (started === undefined) return;
    // What a profile prints is read, else a full pipe would hold it up.
    const reading = started.pump(ignore, ignore);
    started.feed("");
    const timer = setTimeout(() => void stopGroup(started.pid, started.exited, limits), finishMs);
    await started.exited;
    clearTimeout(timer);
    // What the profile left in the background.
    signalGroup(started.pid, "SIGTERM");
    started.detach();
    await reading;
  }

  return {
    retire(shell) {
      const ended = end(shell);
      ending.add(ended);
      void ended.finally(() => ending.delete(ended));
    },
    async settled() {
      await Promise.all(ending);
    },
  };
}

function ignore(): void {}
