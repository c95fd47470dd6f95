import { randomUUID } from "node:crypto";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import type { ClickHouseClientConfigOptions } from "@clickhouse/client";
import { createChdbConnection } from "chdb/connection";

/** How `@clickhouse/client` reaches a ClickHouse. */
export type Connection = NonNullable<ClickHouseClientConfigOptions["connection"]>;
type ExecParams = Parameters<Connection["exec"]>[0];

/** A connection to the engine in this process; the first one to `path` starts it. */
export function createEmbeddedConnection(path: string): Connection {
  // chdb is typed against @clickhouse/client-common, of which the client holds a copy: same interface, other declarations.
  return createChdbConnection({ path }) as unknown as Connection;
}

/**
 * A connection to the engine in this process that takes binary inserts.
 *
 * chdb's own passes what is inserted through a JavaScript string, which no binary format survives, and text costs the
 * engine eight times as much (span-block.ts). So the bytes of an `INSERT … FORMAT Native` go through a file in `inboxDir`
 * that the engine reads; it is never synced, so it lives and dies in the page cache.
 */
export function createInsertingConnection(path: string, inboxDir: string): Connection {
  const connection = createEmbeddedConnection(path);
  const exec = connection.exec.bind(connection);
  connection.exec = async (params: ExecParams) => {
    if (params.values === undefined || typeof params.values === "string") return await exec(params);
    const { values, ...statement } = params;
    const file = join(inboxDir, `${randomUUID()}.native`);
    try {
      await writeWhole(file, await values.toArray());
      return await exec({ ...statement, query: insertFromFile(params.query, file) });
    } finally {
      await rm(file, { force: true });
    }
  };
  return connection;
}

/** One write call for all: each more would be one more turn of a busy event loop. */
async function writeWhole(path: string, chunks: readonly Buffer[]): Promise<void> {
  await using file = await open(path, "wx", 0o600);
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const { bytesWritten } = await file.writev(chunks);
  if (bytesWritten < length) throw Object.assign(new Error("short write"), { code: "ENOSPC" });
}

/** `INSERT INTO t (…) FORMAT Native` → `INSERT INTO t (…) SELECT … FROM file('…', Native)`. */
function insertFromFile(insert: string, file: string): string {
  const columns = /\((?<columns>.*)\)\s+FORMAT Native$/s.exec(insert)?.groups?.["columns"];
  if (columns === undefined) throw new TypeError("a binary insert names its columns and ends in FORMAT Native");
  const quoted = file.replaceAll("\\", "\\\\").replaceAll("'", "''");
  return `${insert.replace(/FORMAT Native$/, "")}SELECT ${columns} FROM file('${quoted}', 'Native')`;
}
