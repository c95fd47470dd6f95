import { randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { createGunzip } from "node:zlib";
import { createInsertingConnection } from "../../src/store/embedded-connection.ts";

/** ClickHouse's HTTP interface, as far as the client uses it, before an engine in this process. */
export interface ClickHouseServer extends AsyncDisposable {
  readonly url: string;
  /** Makes inserts fail as a server does that has too much to do, until it is set back. */
  isOverloaded: boolean;
}

/** Parameters of a request that are no settings. */
const ownParameters = new Set(["query", "query_id", "database", "default_format", "session_id"]);

/**
 * A ClickHouse server for tests: the engine is real, so are the socket and the client's requests; users, grants and
 * clusters are not there. Settings hold for one request, as over HTTP.
 */
export async function startClickHouseServer(directory: string): Promise<ClickHouseServer> {
  const path = join(directory, "clickhouse");
  const inbox = join(directory, "inbox");
  await mkdir(inbox, { recursive: true });
  const keepsEngineRunning = createInsertingConnection(path, inbox);
  const server = createServer((request, response) => {
    run(request).then(
      (answer) => response.writeHead(200, { "X-ClickHouse-Query-Id": randomUUID() }).end(answer),
      (error: Error) => response.writeHead(500).end(errorText(error)),
    );
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const facade = {
    url: `http://default@127.0.0.1:${(server.address() as AddressInfo).port}/default`,
    isOverloaded: false,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
      await keepsEngineRunning.close();
    },
  };
  return facade;

  async function run(request: IncomingMessage): Promise<Buffer> {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://server");
    if (pathname === "/ping") return Buffer.from("Ok.\n");
    const body = await buffer(request.headers["content-encoding"] === "gzip" ? request.pipe(createGunzip()) : request);
    const inUrl = searchParams.get("query");
    const query = inUrl ?? body.toString();
    if (facade.isOverloaded && query.startsWith("INSERT INTO otel_traces")) {
      throw new Error("Code: 252. DB::Exception: Too many parts (3000) in table. Merges are slower. (TOO_MANY_PARTS)");
    }
    const connection = createInsertingConnection(path, inbox);
    try {
      const settings = [...searchParams].filter(([name]) => !ownParameters.has(name) && !name.startsWith("param_"));
      for (const [name, value] of settings.sort(([a], [b]) => Number(a === "readonly") - Number(b === "readonly"))) {
        if (!/^(wait_end_of_query|enable_http_compression)$/.test(name)) {
          await connection.command({ query: `SET ${name} = '${value}'` });
        }
      }
      const params = [...searchParams].filter(([name]) => name.startsWith("param_"));
      const { stream } = await connection.exec({
        query,
        query_params: Object.fromEntries(params.map(([name, value]) => [name.slice("param_".length), value])),
        clickhouse_settings: {
          default_format: (searchParams.get("default_format") ?? "TabSeparated") as "TabSeparated",
        },
        ...(inUrl === null || body.length === 0 ? {} : { values: Readable.from([body], { objectMode: false }) }),
      });
      return await buffer(stream);
    } finally {
      await connection.close();
    }
  }
}

/** The client reads code and type out of the text; chdb's errors were taken apart already. */
function errorText(error: Error & { code?: string; type?: string }): string {
  return error.type === undefined
    ? error.message
    : `Code: ${error.code}. DB::Exception: ${error.message} (${error.type})`;
}
