import { Server as HttpsServer } from "node:https";
import type { Log } from "@jobscope/labkit";
import { assertAuthenticated } from "./auth/beyond-loopback.ts";
import type { CollectorAuth } from "./auth/collector-auth.ts";
import { createReadersGate, createSendersGate, newRefusalCounts } from "./auth/gate.ts";
import { renewWhenChanged } from "./auth/renewals.ts";
import { grpcCredentials, secureContextOf, tlsRenewal } from "./auth/server-tls.ts";
import { readTlsFiles, type TlsIdentity } from "./auth/tls-files.ts";
import type { CollectorStats } from "./collector-stats.ts";
import { ConfigError } from "./config-error.ts";
import { grpcListener, httpListener, listenAll, readListenAddresses } from "./listeners.ts";
import { createQueryApi } from "./query/query-api.ts";
import { createStoreReader } from "./query/store-reader.ts";
import { createIngest } from "./receive/ingest.ts";
import { newIngestStats } from "./receive/ingest-stats.ts";
import { createOtlpGrpcServer } from "./receive/otlp-grpc.ts";
import { createOtlpHttpServer } from "./receive/otlp-http.ts";
import { PendingBytes } from "./receive/pending-bytes.ts";
import { announceCollector, findRunningCollector } from "./running-collector.ts";
import { insertSpans } from "./store/insert-spans.ts";
import { recallStoredSpans } from "./store/recall-stored-spans.ts";
import { openSpanStore } from "./store/span-store.ts";
import { SpanWriter } from "./store/span-writer.ts";
import type { StoreLocation } from "./store/store-location.ts";

/** Options of {@link startCollector}. Addresses are `HOST:PORT`; port 0 takes a free one. */
export interface CollectorOptions {
  /** Address for OTLP over HTTP (`POST /v1/traces`). Default `127.0.0.1:4318`; `false` for none. */
  readonly otlpHttp?: string | false;
  /** Address for OTLP over gRPC. Default `127.0.0.1:4317`; `false` for none. */
  readonly otlpGrpc?: string | false;
  /** Address of the query API. Default `127.0.0.1:4320`; `false` for none. */
  readonly api?: string | false;
  readonly store: StoreLocation;
  readonly log: Log;
  /** Who may send and ask. Default: anybody who reaches loopback, and nobody else. */
  readonly auth?: CollectorAuth;
  /** How often the files of `auth` are looked at for changes. Default 10,000 ms. */
  readonly fileCheckIntervalMs?: number;
  /** Days after which spans are dropped; 0 keeps them for ever. Default 30. */
  readonly retentionDays?: number;
  /** Largest request body accepted, in bytes, as sent and once inflated. Default 16 MiB. */
  readonly maxRequestBytes?: number;
  /** Bytes of spans held while they wait for the store; above it requests are refused with 429. Default 64 MiB. */
  readonly maxPendingBytes?: number;
  /** Limits of one query through `POST /api/sql`. */
  readonly sql?: {
    /** Default 30,000. */
    readonly timeoutMs?: number;
    /** Default 64 MiB. */
    readonly maxResultBytes?: number;
  };
}

/** Where a collector listens, once it does; URLs have no trailing slash. */
export interface CollectorAddresses {
  /** Base URL of OTLP over HTTP; exporters append `/v1/traces`. */
  readonly otlpHttpUrl: string | undefined;
  /** `grpc://HOST:PORT`, or `grpcs://` with TLS. */
  readonly otlpGrpcUrl: string | undefined;
  readonly apiUrl: string | undefined;
}

/** A running collector. */
export interface Collector extends CollectorAddresses, AsyncDisposable {
  stats(): CollectorStats;
  /** Takes no more requests, stores what was taken, and lets go of the store. Bounded; safe to call twice. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts a collector: opens the store, brings its schema up to date, then listens.
 *
 * @throws {ConfigError} when an address is taken or malformed, or beyond loopback without authentication, a rule or file of
 *   `auth` cannot be used, or the data directory is held by another process.
 * @throws {StoreError} when the store cannot be opened or written.
 */
export async function startCollector(options: CollectorOptions): Promise<Collector> {
  const { store, log, sql = {}, auth = {} } = options;
  const addresses = readListenAddresses(options);
  assertAuthenticated(addresses, auth);
  const refusedSenders = newRefusalCounts();
  const refusedReaders = newRefusalCounts();
  const gate = await createSendersGate(auth, refusedSenders);
  const readersGate = await createReadersGate(auth, refusedReaders);
  const tls = auth.tls === undefined ? undefined : await readTlsFiles(auth.tls);
  if (store.dataDir !== undefined) await assertNotHeld(store.dataDir);
  await using started = new AsyncDisposableStack();

  const limits = { timeoutMs: sql.timeoutMs ?? 30_000, maxResultBytes: sql.maxResultBytes ?? 64 * 1024 * 1024 };
  const engine = started.use(await openSpanStore(store, { limits, retentionDays: options.retentionDays ?? 30 }));
  const writer = new SpanWriter({ insert: (blocks) => insertSpans(engine.writer, blocks) });
  started.defer(() => writer.drain());
  const ingest = createIngest({
    pending: new PendingBytes(options.maxPendingBytes ?? 64 * 1024 * 1024),
    stats: newIngestStats(),
    recent: await recallStoredSpans(engine),
    write: (block) => writer.write(block),
    log,
  });
  const stats = () => ({ ...ingest.stats, pendingBytes: ingest.pending.held, refusedSenders, refusedReaders });

  const grpcTls = grpcCredentials(tls);
  const receiving = { ingest, gate, tls, maxRequestBytes: options.maxRequestBytes ?? 16 * 1024 * 1024, log };
  const reader = createStoreReader(engine);
  const otlpHttp = createOtlpHttpServer(receiving);
  const listeners = {
    api: () => httpListener(createQueryApi({ reader, gate: readersGate, host: addresses.api?.host, stats, log })),
    otlpHttp: () => httpListener(otlpHttp),
    otlpGrpc: () => grpcListener(createOtlpGrpcServer(receiving), grpcTls.credentials),
  };
  const urls = await listenAll(addresses, listeners, tls !== undefined, started);
  const takeIdentity = (identity: TlsIdentity) => {
    if (otlpHttp.server instanceof HttpsServer) otlpHttp.server.setSecureContext(secureContextOf(identity));
    grpcTls.renew(identity);
  };
  const renewables = [gate.tokenFile, readersGate.tokenFile, auth.tls && tlsRenewal(auth.tls, takeIdentity)];
  const files = renewables.filter((one) => one !== undefined);
  started.use(await renewWhenChanged(files, { log, intervalMs: options.fileCheckIntervalMs }));
  if (store.dataDir !== undefined) {
    started.use(
      await announceCollector(store.dataDir, { ...urls, pid: process.pid, startedAt: new Date().toISOString() }),
    );
  }
  const running = started.move();
  log.info("collector is ready", { ...urls, store: engine.kind });
  return { ...urls, stats, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

/** A second collector on one data directory is told who is there, before the engine would only say that it is locked. */
async function assertNotHeld(dataDir: string): Promise<void> {
  const holder = await findRunningCollector(dataDir);
  if (holder === undefined) return;
  const where = holder.apiUrl === undefined ? "" : `, its query API is ${holder.apiUrl}`;
  const problem = `${dataDir} is held by the collector with process id ${holder.pid}${where}`;
  throw new ConfigError([{ key: "store.dataDir", problem }]);
}
