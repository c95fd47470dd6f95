import { access, constants, mkdir, rm } from "node:fs/promises";
import { resolve } from "node:path";
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from "@clickhouse/client";
import { drainPending } from "chdb";
import { ChdbNodeEngine, QueryClass } from "chdb/durable/node";
import { type Connection, createInsertingConnection } from "./embedded-connection.ts";
import { createReadingConnection } from "./embedded-reader.ts";
import type { Engine, ReadLimits } from "./engine.ts";
import { StoreError } from "./store-error.ts";

/**
 * Opens ClickHouse's engine in this process, with its files below `dataDir`.
 *
 * Its connections share the one engine: a writer, readers that are read-only for good, and one that only parses. The
 * engine locks its directory (flock) against other processes; one process has one engine.
 *
 * @throws {StoreError} `unavailable` when the directory cannot be used.
 */
export async function openEmbeddedEngine(dataDir: string, limits: ReadLimits): Promise<Engine> {
  // The engine takes two spellings of one directory for two directories.
  const path = resolve(dataDir, "clickhouse");
  const inboxDir = resolve(dataDir, "inbox");
  await makeUsable(dataDir, path, inboxDir);
  await using opened = new AsyncDisposableStack();
  opened.defer(drainPending);
  const writer = opened.use(open(() => clientOf(createInsertingConnection(path, inboxDir))));
  const reader = opened.use(clientOf(createReadingConnection(path, limits)));
  const parser = new ChdbNodeEngine();
  await parser.start({ dataPath: path, backupsAllowedPath: inboxDir });
  opened.defer(() => parser.close());
  const closing = opened.move();
  return {
    kind: "embedded",
    writer,
    reader,
    readSettings: {},
    async judge(query) {
      const { statementCount, queryClass } = await parser.analyze(query, "default");
      if (queryClass === QueryClass.Unknown) return "unparsable";
      return statementCount === 1 && queryClass === QueryClass.ReadOnly ? "reads" : "does-more";
    },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

/** Anything in the inbox is of a process that died while it wrote; what it held was never acknowledged. */
async function makeUsable(dataDir: string, path: string, inboxDir: string): Promise<void> {
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    await access(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
    await rm(inboxDir, { recursive: true, force: true });
    await mkdir(inboxDir, { recursive: true });
    await mkdir(path, { recursive: true });
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    const found = (cause as NodeJS.ErrnoException).code ?? "unknown error";
    const detail = `the data directory ${dataDir} cannot be written (${found})`;
    const code = found === "ENOSPC" ? "full" : "unavailable";
    throw new StoreError({ code, operation: "open store", retryable: false, detail }, { cause });
  }
}

/** What fails is thrown, and logged where it is handled. */
function clientOf(connection: Connection): ClickHouseClient {
  return createClient({ connection, log: { level: ClickHouseLogLevel.OFF } });
}

function open(connect: () => ClickHouseClient): ClickHouseClient {
  try {
    return connect();
  } catch (cause) {
    const detail = "the database engine could not open its files; another process may hold them, or they are damaged";
    throw new StoreError({ code: "unavailable", operation: "open store", retryable: false, detail }, { cause });
  }
}
