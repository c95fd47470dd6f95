import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";

const schema = z.object({
  pid: z.int().positive(),
  apiUrl: z.string().optional(),
  otlpHttpUrl: z.string().optional(),
  otlpGrpcUrl: z.string().optional(),
  startedAt: z.string(),
});

/** What `collector.json` in a data directory tells other processes. */
export interface RunningCollector {
  readonly pid: number;
  readonly apiUrl: string | undefined;
  readonly otlpHttpUrl: string | undefined;
  readonly otlpGrpcUrl: string | undefined;
  /** ISO 8601. */
  readonly startedAt: string;
}

/**
 * The collector that holds a data directory, or undefined when none does: there is no `collector.json`, it is not one
 * (half a file of a full disk), or its process is gone.
 *
 * The file only names the holder; what keeps two processes apart is the engine's own lock.
 */
export async function findRunningCollector(dataDir: string): Promise<RunningCollector | undefined> {
  const text = await readFile(pathIn(dataDir), "utf8").catch(() => undefined);
  const parsed = text === undefined ? undefined : schema.safeParse(jsonOf(text));
  if (!parsed?.success || !isAlive(parsed.data.pid)) return undefined;
  const { pid, apiUrl, otlpHttpUrl, otlpGrpcUrl, startedAt } = parsed.data;
  return { pid, apiUrl, otlpHttpUrl, otlpGrpcUrl, startedAt };
}

/** Writes `collector.json`, whole or not at all. Dispose of the result to remove it. */
export async function announceCollector(dataDir: string, running: RunningCollector): Promise<AsyncDisposable> {
  const path = pathIn(dataDir);
  const unfinished = `${path}.${running.pid}`;
  await writeFile(unfinished, `${JSON.stringify(running, null, 2)}\n`, { mode: 0o600 });
  await rename(unfinished, path);
  return { [Symbol.asyncDispose]: () => rm(path, { force: true }) };
}

function pathIn(dataDir: string): string {
  return join(dataDir, "collector.json");
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Signal 0 asks without sending; EPERM means that it lives and is another user's. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
