import { access } from "node:fs/promises";
import { join } from "node:path";
import { ConfigError } from "../config-error.ts";
import { findRunningCollector } from "../running-collector.ts";
import { openEmbeddedEngine } from "../store/embedded-engine.ts";
import type { TraceReader } from "../stored-trace.ts";
import { createStoreReader } from "./store-reader.ts";

/**
 * Opens the store of a data directory for reading, when no collector runs on it (`jobscope sql --data DIR`). Nothing is
 * written, no schema is changed; the engine holds the directory until the reader is disposed of.
 *
 * @throws {ConfigError} when a collector holds the directory (ask its query API instead), or there is no store in it.
 * @throws {StoreError} when the engine cannot open it.
 */
export async function openStoreReadOnly(dataDir: string): Promise<TraceReader> {
  const holder = await findRunningCollector(dataDir);
  if (holder !== undefined) {
    const where = holder.apiUrl ?? "none";
    const problem = `${dataDir} is held by the collector with process id ${holder.pid}; ask its query API: ${where}`;
    throw new ConfigError([{ key: "dataDir", problem }]);
  }
  await access(join(dataDir, "clickhouse")).catch((cause: unknown) => {
    throw new ConfigError([{ key: "dataDir", problem: `no spans are stored in ${dataDir}` }], { cause });
  });
  const engine = await openEmbeddedEngine(dataDir, { timeoutMs: 60_000, maxResultBytes: 256 * 1024 * 1024 });
  return { ...createStoreReader(engine), [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose]() };
}
