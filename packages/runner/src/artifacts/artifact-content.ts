import { createReadStream } from "node:fs";
import path from "node:path";
import { ArchiveError } from "../archive/archive-error.ts";
import type { ArchiveSource } from "../archive/archive-source.ts";
import { createArchiveStream, readArchiveFormat } from "../archive/create-archive-stream.ts";
import { createGzipStream, regularFiles } from "../archive/write-gzip.ts";

/**
 * The bytes of an artifact file.
 *
 * @param format empty means zip. @throws {ArchiveError} when the files do not fit the format.
 *
 * Rule: runner-protocol.md §3.8.
 */
export async function artifactContent(format: string, source: ArchiveSource): Promise<AsyncIterable<Uint8Array>> {
  if (format === "gzip") return createGzipStream(source);
  if (format !== "raw") return createArchiveStream(readArchiveFormat(format), source);
  const [only, ...others] = regularFiles(source.files);
  if (only === undefined || others.length > 0) {
    throw new ArchiveError(`only one file can be sent as raw, found ${others.length + (only ? 1 : 0)}`);
  }
  return createReadStream(path.join(source.directory, only[0]));
}
