import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "@jobscope/labkit";
import { type Collector, type CollectorOptions, startCollector } from "../../src/index.ts";

/** A directory that is removed when disposed of. */
export async function temporaryDirectory(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "jobscope-collector-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** A collector on free ports of loopback with an embedded store in `dataDir`. */
export function aCollector(dataDir: string, options: Partial<CollectorOptions> = {}): Promise<Collector> {
  return startCollector({
    otlpHttp: "127.0.0.1:0",
    otlpGrpc: "127.0.0.1:0",
    api: "127.0.0.1:0",
    store: { kind: "embedded", dataDir },
    log: silentLog,
    ...options,
  });
}

/** Posts an OTLP request as it is. */
export function postTraces(
  collector: Collector,
  body: Buffer | string,
  headers: Record<string, string> = { "Content-Type": "application/x-protobuf" },
): Promise<Response> {
  return fetch(`${collector.otlpHttpUrl}/v1/traces`, {
    method: "POST",
    headers,
    body: typeof body === "string" ? body : new Uint8Array(body),
  });
}
