import type { OidcIssuer } from "./oidc-issuer.ts";
import type { TlsFiles } from "./tls-files.ts";

/**
 * Who may send spans and who may ask for them (telemetry.md §6). Nothing is asked of anybody by default, which is why a
 * collector then listens on loopback alone.
 *
 * With `tokenFile`, `oidc` and `jobTokensOf`, a sender's bearer token must satisfy one of them. With `tls.clientCa` a sender's
 * certificate is needed as well as its token, where tokens are asked for.
 */
export interface CollectorAuth {
  /**
   * File of the bearer tokens that senders may use: one a line, 16 characters or more; blank lines and lines that begin
   * with `#` are skipped. Read again when it changes; kept as SHA-256 only. Default: none.
   */
  readonly tokenFile?: string;
  /** Issuers whose tokens senders may use. Default: none. */
  readonly oidc?: readonly OidcIssuer[];
  /**
   * Base URL of a coordinator (GitLab, or ours) whose jobs may send spans with their own `CI_JOB_TOKEN`, each into its own
   * trace alone. Default: none.
   */
  readonly jobTokensOf?: string;
  /** TLS of both OTLP receivers; the query API has none. Default: none. */
  readonly tls?: TlsFiles;
  /** File of the bearer tokens that the query API asks for, as `tokenFile`; senders' tokens do not open it. Default: none. */
  readonly apiTokenFile?: string;
  /** Requests per second from one token (one subject of an issuer), as many at once; 0 for no limit. Default 1000. */
  readonly maxRequestsPerSecond?: number;
  /**
   * Bytes of requests per second from one token, as sent, as many at once; 0 for no limit. A larger request is taken once
   * nothing is owed. Default 32 MiB.
   */
  readonly maxBytesPerSecond?: number;
  /** Lets anybody who reaches an address beyond loopback send spans and read them. Default false. */
  readonly dangerouslyAllowUnauthenticated?: boolean;
}
