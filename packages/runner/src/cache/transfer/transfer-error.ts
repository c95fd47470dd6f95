/**
 * An archive could not be fetched from or brought to its store. The message goes into job log and span: the store's reason
 * and the address without its signature.
 */
export class CacheTransferError extends Error {
  override readonly name = "CacheTransferError";
  readonly code = "CACHE_TRANSFER_FAILED";
  /** Whether the same request may go through later. */
  readonly retryable: boolean;
  /** The store's answer; `undefined` when there was none. */
  readonly status: number | undefined;

  constructor(
    message: string,
    options: { readonly retryable: boolean; readonly status?: number; readonly cause?: unknown },
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.retryable = options.retryable;
    this.status = options.status;
  }
}
