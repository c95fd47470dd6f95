import { createReadStream, type Stats } from "node:fs";
import { readFile, readlink } from "node:fs/promises";
import path from "node:path";
import { PassThrough, Readable, type Transform } from "node:stream";
import { promisify } from "node:util";
import {
  constants,
  crc32,
  createDeflateRaw,
  createZstdCompress,
  deflateRaw,
  type ZstdOptions,
  zstdCompress,
} from "node:zlib";
import type { ArchiveSource } from "./archive-source.ts";
import { deflateLevels, zstdLevels } from "./compression-level.ts";
import { centralRecord, dataDescriptor, endRecords, localHeader, type ZipEntry, zipMethods } from "./zip-records.ts";

/** Files up to this size are compressed in one go, several beside each other. */
const maxWholeBytes = 512 * 1024;
/** How many such files are read and compressed ahead: with the size, the bound of what is held in memory. */
const filesAhead = 16;

export interface ZipOptions {
  /** Default: `deflate`. */
  readonly method?: "deflate" | "zstd";
}

/**
 * A zip archive as a stream: directories, regular files and links, with their modes, times and owners. Large files are
 * read as the stream is; small ones ahead of it.
 *
 * Rule: runner-protocol.md §3.8.
 */
export function createZipStream(source: ArchiveSource, { method = "deflate" }: ZipOptions = {}): Readable {
  return Readable.from(zipChunks(source, compressionOf(source, method)), { objectMode: false });
}

async function* zipChunks(source: ArchiveSource, compression: Compression): AsyncGenerator<Uint8Array> {
  const entries: ZipEntry[] = [];
  let offset = 0;
  // Sockets, pipes and devices have no content to keep.
  const files = [...source.files].filter(
    ([, stats]) => stats.isDirectory() || stats.isFile() || stats.isSymbolicLink(),
  );
  const ahead = readAhead(files, (name, stats) => wholeContent(path.join(source.directory, name), stats, compression));
  for (const [index, [name, stats]] of files.entries()) {
    const base = baseEntry(name, stats, offset);
    const whole = await ahead(index);
    const entry = yield* whole === undefined
      ? streamEntry(base, path.join(source.directory, name), compression)
      : wholeEntry(base, whole);
    entries.push(entry);
    offset += bytesOf(entry);
  }
  const start = offset;
  for (const entry of entries) {
    const record = centralRecord(entry);
    offset += record.length;
    yield record;
  }
  yield endRecords(entries.length, offset - start, start);
}

function baseEntry(name: string, stats: Stats, offset: number): ZipEntry {
  return {
    name: Buffer.from(stats.isDirectory() ? `${name}/` : name),
    mode: stats.mode,
    modified: stats.mtime,
    uid: stats.uid,
    gid: stats.gid,
    method: zipMethods.store,
    isStreamed: false,
    offset,
    crc32: 0,
    compressedBytes: 0,
    bytes: 0,
  };
}

interface WholeContent {
  readonly method: number;
  readonly crc32: number;
  readonly bytes: number;
  readonly compressed: Uint8Array;
}

/** @returns the entry as it was written. */
function* wholeEntry(base: ZipEntry, whole: WholeContent): Generator<Uint8Array, ZipEntry> {
  const { method, bytes, compressed } = whole;
  const entry = { ...base, method, crc32: whole.crc32, bytes, compressedBytes: compressed.length };
  yield localHeader(entry);
  yield compressed;
  return entry;
}

/** @returns the entry as it was written. */
async function* streamEntry(
  base: ZipEntry,
  file: string,
  { method, createStream }: Compression,
): AsyncGenerator<Uint8Array, ZipEntry> {
  const announced = { ...base, method, isStreamed: true };
  yield localHeader(announced);
  let [checksum, bytes, compressedBytes] = [0, 0, 0];
  const content = createReadStream(file);
  content.on("data", (chunk: string | Buffer) => {
    checksum = crc32(chunk, checksum);
    bytes += chunk.length;
  });
  const compressing = createStream();
  content.on("error", (error) => compressing.destroy(error));
  try {
    for await (const chunk of content.pipe(compressing) as AsyncIterable<Buffer>) {
      compressedBytes += chunk.length;
      yield chunk;
    }
  } finally {
    content.destroy();
  }
  const entry = { ...announced, crc32: checksum, bytes, compressedBytes };
  yield dataDescriptor(entry);
  return entry;
}

function bytesOf(entry: ZipEntry): number {
  return localHeader(entry).length + entry.compressedBytes + (entry.isStreamed ? dataDescriptor(entry).length : 0);
}

/** @returns what waits for one entry's content, while that of later ones is made. */
function readAhead(
  files: readonly (readonly [string, Stats])[],
  read: (name: string, stats: Stats) => Promise<WholeContent | undefined>,
): (index: number) => Promise<WholeContent | undefined> {
  const contents = new Map<number, Promise<WholeContent | undefined>>();
  let next = 0;
  return async (index) => {
    for (; next < Math.min(files.length, index + filesAhead); next += 1) {
      const [name, stats] = files[next] ?? [];
      if (name === undefined || stats === undefined) continue;
      const content = read(name, stats);
      // Whoever comes to it hears of its failure.
      content.catch(() => undefined);
      contents.set(next, content);
    }
    const content = contents.get(index);
    contents.delete(index);
    return content;
  };
}

/** `undefined` for a file that is too large. */
async function wholeContent(file: string, stats: Stats, compression: Compression): Promise<WholeContent | undefined> {
  if (stats.isFile() && stats.size > maxWholeBytes) return undefined;
  const content = stats.isDirectory()
    ? Buffer.alloc(0)
    : stats.isSymbolicLink()
      ? Buffer.from(await readlink(file))
      : await readFile(file);
  const isCompressed = stats.isFile() && content.length > 0;
  return {
    method: isCompressed ? compression.method : zipMethods.store,
    crc32: crc32(content),
    bytes: content.length,
    compressed: isCompressed ? await compression.compress(content) : content,
  };
}

interface Compression {
  readonly method: number;
  compress(content: Uint8Array): Promise<Uint8Array>;
  createStream(): Transform;
}

function compressionOf({ level }: ArchiveSource, method: "deflate" | "zstd"): Compression {
  if (method === "zstd") {
    const options = zstdOptionsOf(level);
    return {
      method: zipMethods.zstd,
      compress: (content) => compressWithZstd(content, options),
      createStream: () => createZstdCompress(options),
    };
  }
  const options = { level: deflateLevels[level] };
  if (options.level === 0) {
    return { method: zipMethods.store, compress: async (content) => content, createStream: () => new PassThrough() };
  }
  return {
    method: zipMethods.deflate,
    compress: (content) => compressWithDeflate(content, options),
    createStream: () => createDeflateRaw(options),
  };
}

const compressWithDeflate = promisify(deflateRaw);
const compressWithZstd = promisify(zstdCompress);

export function zstdOptionsOf(level: ArchiveSource["level"]): ZstdOptions {
  return { params: { [constants.ZSTD_c_compressionLevel]: zstdLevels[level] } };
}
