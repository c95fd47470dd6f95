import { createReadStream } from "node:fs";
import { readlink } from "node:fs/promises";
import path from "node:path";
import { PassThrough, type Readable } from "node:stream";
import { ZipFile } from "yazl";
import { ArchiveError } from "./archive-error.ts";
import type { CollectedFiles } from "./collect-files.ts";

export interface ZipSource {
  /** Directory the files are relative to. */
  readonly directory: string;
  readonly files: CollectedFiles;
  /** Of `deflateLevelOf`. */
  readonly deflateLevel: number;
}

/** From here on sizes may outgrow the classic format while the file is read. */
const largeFileBytes = 2 ** 31;

/**
 * A zip archive as a stream: directories, regular files and links, with their modes and times. Files are opened one
 * after the other, as the stream is read.
 *
 * Rule: runner-protocol.md §3.8.
 */
export async function createZipStream({ directory, files, deflateLevel }: ZipSource): Promise<Readable> {
  const zip = new ZipFile();
  // What goes wrong in the archive goes wrong in the stream.
  const output = new PassThrough();
  zip.on("error", (error: Error) => output.destroy(new ArchiveError(error.message, { cause: error })));
  for (const [name, stats] of files) {
    const file = path.join(directory, name);
    const options = { mtime: stats.mtime, mode: stats.mode };
    if (stats.isDirectory()) zip.addEmptyDirectory(`${name}/`, options);
    else if (stats.isSymbolicLink()) {
      zip.addBuffer(Buffer.from(await readlink(file)), name, { ...options, compress: false });
    } else if (stats.isFile()) {
      const forceZip64Format = stats.size >= largeFileBytes;
      zip.addReadStreamLazy(name, { ...options, compressionLevel: deflateLevel, forceZip64Format }, (give) =>
        give(null, createReadStream(file)),
      );
    }
    // Sockets, pipes and devices have no content to keep.
  }
  zip.end();
  zip.outputStream.pipe(output);
  return output;
}
