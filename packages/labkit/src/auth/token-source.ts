/**
 * Where the credentials of one telemetry endpoint come from.
 *
 * Contract: `headers` may be called concurrently and as often as an export is sent; a source caches and shares one fetch
 * among its callers, refreshes ahead of expiry and re-reads its file when that changed. It rejects with a
 * `TokenSourceError` when no credentials can be had; the export is then retried with back-off, like an endpoint that is
 * absent. Nothing that it returns is ever logged.
 *
 * Rule: telemetry.md §6.
 */
export interface TokenSource {
  /** Names the kind of source for logs, `bearer from file /run/token` for example. Holds no secret. */
  readonly description: string;
  /**
   * The header fields (lower-case names) that authenticate one request to `url`.
   *
   * @throws {TokenSourceError} when the credentials cannot be had now.
   */
  headers(request: { url: URL; signal: AbortSignal }): Promise<Readonly<Record<string, string>>>;
  /**
   * Told after a 401: the next call must not answer from a cache.
   *
   * @returns whether another answer is possible at all; a fixed token says `false` and the request is not repeated.
   */
  invalidate(): boolean;
}

/** What went wrong with a token source. `retryable` is false when only another configuration can help. */
export class TokenSourceError extends Error {
  override readonly name = "TokenSourceError";
  readonly code: "unavailable" | "malformed";
  readonly retryable: boolean;

  constructor(message: string, options: { code: TokenSourceError["code"]; cause?: unknown }) {
    super(message, options);
    this.code = options.code;
    this.retryable = options.code === "unavailable";
  }
}
