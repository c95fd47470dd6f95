import type { SignedRequest, SignedUpload } from "../signed-request.ts";

/**
 * A store that keeps archives of caches. It moves no bytes: it signs requests that whoever has the job's files sends as
 * they are (`transfer/`). Every call may be made at any time and by many jobs at once.
 */
export interface RemoteCache {
  readonly backend: CacheBackend;
  /** @throws {RemoteCacheError} when there are no credentials, or they may not sign. */
  signDownload(wish: DownloadWish): Promise<SignedRequest>;
  /** @throws {RemoteCacheError} likewise. */
  signUpload(wish: UploadWish): Promise<SignedUpload>;
}

export type CacheBackend = "s3" | "gcs" | "azure";

export interface DownloadWish {
  /** Of `remoteObjectName`. */
  readonly objectName: string;
  /** How long the request may be sent. Stores cap it at seven days, role sessions at less. */
  readonly validMs: number;
  readonly signal: AbortSignal;
}

export interface UploadWish extends DownloadWish {
  /** The key for people, kept as the object's metadata `cachekey`. */
  readonly cacheKey: string;
  /** 0: no limit. A store that can enforces it. */
  readonly maxBytes: number;
}

/** Signatures of a longer life are refused by S3 and GCS. */
export const longestValidMs = 7 * 24 * 3_600_000;

/** A request could not be signed. The message is fit for job log and span: it names the reason, no credential. */
export class RemoteCacheError extends Error {
  override readonly name = "RemoteCacheError";
  readonly code = "REMOTE_CACHE_UNUSABLE";
}

/** Metadata travels in a header field: what is not printable ASCII is written in percent signs. */
export function metadataValue(text: string): string {
  return text.replace(/[^\x20-\x7e]|%|^ | $/gu, encodeURIComponent);
}
