import type { Readable } from "node:stream";
import type { ArchiveSource } from "./archive-source.ts";
import { createTarZstdStream } from "./write-tar-zstd.ts";
import { createZipStream } from "./write-zip.ts";

const formats = ["zip", "zipzstd", "tarzstd"] as const;

/** Formats of archives of many files. Rule: runner-protocol.md §1.8.7, §3.7. */
export type WritableFormat = (typeof formats)[number];

/** `CACHE_COMPRESSION_FORMAT`: what is no format counts as `zip`. */
export function readArchiveFormat(text: string): WritableFormat {
  return formats.find((format) => format === text.toLowerCase()) ?? "zip";
}

/** An archive as a stream, its files read as it is. */
export function createArchiveStream(format: WritableFormat, source: ArchiveSource): Readable {
  if (format === "tarzstd") return createTarZstdStream(source);
  return createZipStream(source, { method: format === "zipzstd" ? "zstd" : "deflate" });
}
