import type { AuthSpec } from "../auth/auth-spec.ts";

/**
 * One place spans go, as plain data: what a job payload or `config.toml` can say about it.
 *
 * Two specs with the same URL, authentication and settings share one queue and its connections.
 */
export interface EndpointSpec {
  /**
   * `http://`, `https://` (OTLP/HTTP protobuf; `/v1/traces` when the URL has no path) or `grpc://`, `grpcs://` (OTLP/gRPC;
   * any path is ignored), in any letter case. User info and query are not sent. Source: telemetry.md §1.
   */
  readonly url: string;
  /** Default: none. */
  readonly auth?: AuthSpec;
  /** Further header fields or gRPC metadata of every request; nothing secret, that is `auth`'s. Default: none. */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * Default `gzip`, but `none` to loopback, where it only costs CPU time. Over HTTP, bodies below 1 KiB are sent as they
   * are.
   */
  readonly compression?: "gzip" | "none";
  /** Longest wait for the answer to one request, in milliseconds. Default 10,000 (the OTLP exporter's default). */
  readonly timeoutMs?: number;
  /** Files in PEM form for `https://` and `grpcs://`; read anew when they change. Default: the system's authorities. */
  readonly tls?: {
    readonly caFile?: string;
    readonly certFile?: string;
    readonly keyFile?: string;
  };
  /**
   * An HTTP proxy, `http://[user:password@]host[:port]`, whatever the scheme of `url`: it is asked to CONNECT, or for plain
   * `http://` to pass each request on. Variables such as `https_proxy` are not looked at. Default: no proxy.
   */
  readonly proxyUrl?: string;
  /** Bounds of this endpoint's queue. Default: the pool's limits. */
  readonly queue?: { readonly maxSpans?: number; readonly maxBytes?: number };
  /** Lets credentials travel over plain `http://` and `grpc://` beyond loopback. Default false. */
  readonly allowInsecureAuth?: boolean;
}

/** A spec that passed all checks. */
export interface ParsedEndpoint {
  readonly protocol: "http" | "grpc";
  /** Normalised: scheme `http:` or `https:`, default path filled in, no user info, query or fragment. */
  readonly url: URL;
  /** For logs and metric labels: the URL with its own scheme, without anything that could be secret. */
  readonly name: string;
}
