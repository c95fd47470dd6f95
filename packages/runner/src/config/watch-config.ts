import { stat } from "node:fs/promises";

/** How often the file is looked at (runner-protocol.md §6.1). */
const defaultIntervalMs = 3_000;

/** Watches one file by its time of change. */
export interface ConfigWatch extends Disposable {
  /** Looks now, and reports a change even if there is none: SIGHUP. */
  reload(): void;
}

/**
 * Calls `onChange` whenever the file's modification time has changed; one call at a time.
 *
 * @param onChange reads and takes over the file; what it throws is its own business, so it must not.
 */
export function watchConfig(
  file: string,
  onChange: () => Promise<void>,
  options: { readonly intervalMs?: number } = {},
): ConfigWatch {
  const intervalMs = options.intervalMs ?? defaultIntervalMs;
  let seenMs: number | undefined;
  let isDisposed = false;
  let timer: NodeJS.Timeout | undefined;
  let isForced = false;
  let isLooking = false;

  async function look(): Promise<void> {
    const changedMs = (await stat(file).catch(() => undefined))?.mtimeMs;
    const hasChanged = seenMs !== undefined && changedMs !== undefined && changedMs !== seenMs;
    seenMs = changedMs ?? seenMs;
    const isDue = hasChanged || isForced;
    isForced = false;
    if (isDue && !isDisposed) await onChange();
  }

  function schedule(delayMs: number): void {
    clearTimeout(timer);
    if (isDisposed) return;
    timer = setTimeout(() => {
      isLooking = true;
      void look().finally(() => {
        isLooking = false;
        schedule(isForced ? 0 : intervalMs);
      });
    }, delayMs);
    timer.unref();
  }

  schedule(0);
  return {
    reload() {
      isForced = true;
      if (!isLooking) schedule(0);
    },
    [Symbol.dispose]() {
      isDisposed = true;
      clearTimeout(timer);
    },
  };
}
