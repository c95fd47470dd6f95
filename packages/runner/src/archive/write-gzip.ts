import { createReadStream, type Stats } from "node:fs";
import path from "node:path";
import { crc32, createDeflateRaw } from "node:zlib";
import type { ArchiveSource } from "./archive-source.ts";
import type { CollectedFiles } from "./collect-files.ts";
import { deflateLevels } from "./compression-level.ts";

/**
 * Gzip members one after the other, one for each regular file, which name their files.
 *
 * Rule: runner-protocol.md §3.8: header name = base name, comment = relative path, percent-encoded when it is no plain
 * ASCII.
 */
export async function* createGzipStream({ directory, files, level }: ArchiveSource): AsyncGenerator<Uint8Array> {
  for (const [name, stats] of regularFiles(files)) {
    yield memberHeader(name, stats);
    let checksum = 0;
    let size = 0;
    const source = createReadStream(path.join(directory, name));
    source.on("data", (chunk: string | Buffer) => {
      checksum = crc32(chunk, checksum);
      size += chunk.length;
    });
    const deflate = createDeflateRaw({ level: deflateLevels[level] });
    source.on("error", (error) => deflate.destroy(error));
    yield* source.pipe(deflate);
    const trailer = Buffer.alloc(8);
    trailer.writeUInt32LE(checksum, 0);
    trailer.writeUInt32LE(size % 2 ** 32, 4);
    yield trailer;
  }
}

/** Directories and links have no member. */
export function regularFiles(files: CollectedFiles): [string, Stats][] {
  return [...files].filter(([, stats]) => stats.isFile());
}

const hasName = 0x08;
const hasComment = 0x10;
const unixSystem = 3;

function memberHeader(name: string, stats: Stats): Uint8Array {
  const fixed = Buffer.from([0x1f, 0x8b, 8, hasName | hasComment, 0, 0, 0, 0, 0, unixSystem]);
  fixed.writeUInt32LE(Math.floor(stats.mtimeMs / 1000) % 2 ** 32, 4);
  return Buffer.concat([fixed, headerText(path.posix.basename(name)), headerText(name)]);
}

function headerText(text: string): Uint8Array {
  const isPlain = /^[\x20-\x24\x26-\x7e]*$/.test(text);
  return Buffer.from(`${isPlain ? text : `e:${encodeURIComponent(text)}`}\0`, "latin1");
}
