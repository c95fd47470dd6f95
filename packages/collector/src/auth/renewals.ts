import { stat } from "node:fs/promises";
import type { Log } from "@jobscope/labkit";

/** Something that was read from files, and can be read again. */
export interface Renewable {
  /** For the log: `senders' tokens`. */
  readonly what: string;
  readonly files: readonly string[];
  /** Reads the files again and takes over what they hold. When it throws, what was read before stays. */
  renew(): Promise<void>;
}

/** How often files are looked at. */
const defaultIntervalMs = 10_000;

/**
 * Renews what was read from files once these have changed, so that neither a new certificate nor a new token needs a restart.
 * What cannot be used is told once, and looked at again with the next change.
 */
export async function renewWhenChanged(
  renewables: readonly Renewable[],
  { log, intervalMs = defaultIntervalMs }: { readonly log: Log; readonly intervalMs?: number | undefined },
): Promise<Disposable> {
  const watched = await Promise.all(renewables.map(async (one) => ({ one, seen: await versionOf(one.files) })));
  let isLooking = false;

  async function look(): Promise<void> {
    for (const entry of watched) {
      const version = await versionOf(entry.one.files);
      if (version === entry.seen || version === undefined) continue;
      entry.seen = version;
      const { what, files } = entry.one;
      try {
        await entry.one.renew();
        log.info("files of the collector were read again", { what });
      } catch (error) {
        log.warn("changed files of the collector cannot be used; what was read before stays", {
          what,
          files,
          err: error,
        });
      }
    }
  }

  const timer = setInterval(() => {
    if (isLooking) return;
    isLooking = true;
    void look().finally(() => {
      isLooking = false;
    });
  }, intervalMs);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** Undefined while one of them is not there: it is being replaced. */
async function versionOf(files: readonly string[]): Promise<string | undefined> {
  try {
    const states = await Promise.all(files.map((file) => stat(file, { bigint: true })));
    return states.map(({ ino, size, mtimeNs }) => `${ino}:${size}:${mtimeNs}`).join();
  } catch {
    return undefined;
  }
}
