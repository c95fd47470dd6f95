import type { Log } from "../../logging/log.ts";
import { defaultInterruption, type Interruption } from "./interrupted-span.ts";
import { SpanSpool, type SpanSpoolDeps } from "./span-spool.ts";
import { openSpoolFolder } from "./spool-folder.ts";
import { defaultSpoolLimits, type SpoolLimits } from "./spool-limits.ts";

export interface SpoolOptions {
  /** Made when it is missing. Several processes may use the same one; each has a folder of its own in it. */
  readonly directory: string;
  /** Default: `defaultSpoolLimits`. */
  readonly limits?: Partial<SpoolLimits>;
  /** What is said of a span whose process was killed before it ended; the next start closes and sends it. */
  readonly interrupted?: Partial<Interruption>;
}

/** Opens the spools of a process's endpoints. To be disposed of after all of them. */
export interface SpoolOpener extends AsyncDisposable {
  open(key: string, deps: Pick<SpanSpoolDeps, "dropped" | "changed" | "log"> & { note: string | undefined }): SpanSpool;
  /** What was noted of endpoints that earlier processes left spans for. */
  notes(): Promise<readonly string[]>;
}

export function createSpoolOpener(options: SpoolOptions, log: Log): SpoolOpener {
  const interrupted = { ...defaultInterruption, ...options.interrupted };
  const limits = { ...defaultSpoolLimits, ...options.limits };
  const folder = openSpoolFolder(options.directory, { maxAgeMs: limits.maxAgeMs, log });
  const timesOpened = new Map<string, number>();
  log.debug("telemetry spool", { directory: options.directory });

  return {
    open(key, { note, ...deps }) {
      // Endpoints that differ in their secrets alone have one key; each still needs a folder of its own.
      const times = (timesOpened.get(key) ?? 0) + 1;
      timesOpened.set(key, times);
      return new SpanSpool({
        ...deps,
        limits,
        interrupted,
        folder: folder.endpointFolder(times === 1 ? key : `${key}-${times}`, note),
      });
    },
    notes: () => folder.notes(),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}
