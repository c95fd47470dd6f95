import type { Log } from "@jobscope/labkit";
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
  /** `grpc://HOST:PORT`. */
  readonly otlpGrpcUrl: string | undefined;
  readonly apiUrl: string | undefined;
}

/** What a collector did since its start; also on `GET /metrics`. */
export interface CollectorStats {
  readonly receivedSpans: number;
  readonly storedSpans: number;
  /** Spans that were recognised as delivered before, and not stored again. */
  readonly repeatedSpans: number;
  /** Spans that can never be stored (an invalid id), told to the sender as partial success. */
  readonly rejectedSpans: number;
  /** Requests that were turned away because too much was pending. */
  readonly refusedRequests: number;
  /** Requests whose rows the store did not take. */
  readonly failedRequests: number;
  readonly pendingBytes: number;
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
 * @throws {ConfigError} when an address is taken or malformed, or the data directory is held by another process.
 * @throws {StoreError} when the store cannot be opened or written.
 */
export async function startCollector(options: CollectorOptions): Promise<Collector> {
  throw new Error(`not built yet: ${Object.keys(options).length} options`);
}
