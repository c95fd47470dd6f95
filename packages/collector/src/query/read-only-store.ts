import type { TraceReader } from "../stored-trace.ts";

/**
 * Opens the store of a data directory for reading, when no collector runs on it (`jobscope sql --data DIR`).
 *
 * @throws {ConfigError} when a process holds the directory (ask its query API instead), or there is no store in it.
 */
export async function openStoreReadOnly(dataDir: string): Promise<TraceReader> {
  throw new Error(`not built yet: ${dataDir}`);
}
