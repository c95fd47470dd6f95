import { FunctionError } from "../function-error.ts";
import type { FetchLimits } from "./function-sources.ts";

export const defaultFetchLimits: FetchLimits = {
  maxDownloadBytes: 512 * 1024 * 1024,
  maxExtractedBytes: 2 * 1024 * 1024 * 1024,
  maxEntries: 100_000,
  timeoutMs: 10 * 60 * 1000,
};

/** Counts what one function takes, and refuses what is beyond its limits. */
export class FetchMeter {
  downloadedBytes = 0;
  #extractedBytes = 0;
  #entries = 0;
  readonly #limits: FetchLimits;

  constructor(limits: FetchLimits) {
    this.#limits = limits;
  }

  /** @throws {FunctionError} `fetch_failed`, like the others. */
  downloaded(bytes: number): void {
    this.downloadedBytes += bytes;
    refuseBeyond(this.downloadedBytes, this.#limits.maxDownloadBytes, "bytes to download");
  }

  /** As {@link downloaded}, for a download that is not whole yet. */
  refuseDownloadOf(bytes: number): void {
    refuseBeyond(bytes, this.#limits.maxDownloadBytes, "bytes to download");
  }

  extracted(bytes: number): void {
    this.#extractedBytes += bytes;
    refuseBeyond(this.#extractedBytes, this.#limits.maxExtractedBytes, "bytes on disk");
  }

  entry(): void {
    this.#entries++;
    refuseBeyond(this.#entries, this.#limits.maxEntries, "files and directories");
  }
}

function refuseBeyond(found: number, limit: number, what: string): void {
  if (found > limit) throw fetchFailure(`the function has more than ${limit} ${what}`);
}

export function fetchFailure(message: string, cause?: unknown): FunctionError {
  return new FunctionError(message, { code: "fetch_failed", ...(cause === undefined ? {} : { cause }) });
}
