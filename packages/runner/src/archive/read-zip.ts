import { type FileHandle, open } from "node:fs/promises";
import { type Readable, Transform } from "node:stream";
import { buffer } from "node:stream/consumers";
import { promisify } from "node:util";
import { crc32, createZstdDecompress, inflateRaw, type ZlibOptions, type ZstdOptions, zstdDecompress } from "node:zlib";
import { type Entry, fromFdPromise, type ZipFile } from "yauzl";
import type { ArchiveEntry, ArchiveReader } from "./archive-entry.ts";
import { ArchiveError } from "./archive-error.ts";
import { zipMethods } from "./zip-records.ts";

/** Opens a zip archive. @throws {ArchiveError} when it is none. */
export async function readZip(file: string): Promise<ArchiveReader> {
  const handle = await open(file, "r");
  try {
    const zip = await openZip(handle);
    return { entries: describeAll(zip), [Symbol.asyncDispose]: () => handle.close() };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function* describeAll(zip: ZipFile): AsyncGenerator<ArchiveEntry> {
  for await (const entry of entriesOf(zip)) yield describe(zip, entry);
}

function openZip(handle: FileHandle): Promise<ZipFile> {
  return fromFdPromise(handle.fd, { autoClose: false, lazyEntries: true }).catch((cause: unknown) => {
    throw new ArchiveError("zip: not a valid zip file", { cause });
  });
}

async function* entriesOf(zip: ZipFile): AsyncGenerator<Entry> {
  for (;;) {
    const { promise, resolve, reject } = Promise.withResolvers<Entry | undefined>();
    zip.once("entry", resolve);
    zip.once("end", () => resolve(undefined));
    zip.once("error", (cause: Error) => reject(new ArchiveError(`zip: ${cause.message}`, { cause })));
    zip.readEntry();
    const entry = await promise;
    zip.removeAllListeners();
    if (entry === undefined) return;
    yield entry;
  }
}

/** Files up to this size are read at once. */
const maxWholeBytes = 512 * 1024;

const fileTypeMask = 0o170000;
const linkType = 0o120000;

function describe(zip: ZipFile, entry: Entry): ArchiveEntry {
  const mode = entry.externalFileAttributes >>> 16;
  return {
    name: entry.fileName,
    kind: entry.fileName.endsWith("/") ? "directory" : (mode & fileTypeMask) === linkType ? "link" : "file",
    mode: mode & 0o777,
    modified: entry.getLastModDate(),
    owner: ownerOf(entry),
    open: () => openContent(zip, entry),
    read:
      Math.max(entry.compressedSize, entry.uncompressedSize) <= maxWholeBytes ? () => readWhole(zip, entry) : undefined,
  };
}

const inflate = promisify<Uint8Array, ZlibOptions, Buffer>(inflateRaw);
const decompressZstd = promisify<Uint8Array, ZstdOptions, Buffer>(zstdDecompress);

/** Streams cost more than what is in a small file. */
async function readWhole(zip: ZipFile, entry: Entry): Promise<Uint8Array> {
  const raw = await buffer(await openStream(zip, entry, true));
  const content = await decompress(raw, entry).catch((cause: unknown) => {
    throw new ArchiveError(`zip: ${entry.fileName}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  });
  if (content.length !== entry.uncompressedSize || crc32(content) !== entry.crc32) throw checksumError(entry);
  return content;
}

async function decompress(raw: Buffer, { compressionMethod, uncompressedSize }: Entry): Promise<Buffer> {
  // More than was announced is not made.
  const options = { maxOutputLength: uncompressedSize + 1 };
  switch (compressionMethod) {
    case zipMethods.store:
      return raw;
    case zipMethods.deflate:
      return await inflate(raw, options);
    case zipMethods.zstd:
      return await decompressZstd(raw, options);
    default:
      throw new Error(`unsupported compression method: ${compressionMethod}`);
  }
}

function checksumError(entry: Entry): ArchiveError {
  return new ArchiveError(`zip: ${entry.fileName}: checksum error`);
}

/** Info-ZIP's third Unix extra field: version 1, then user and group with their lengths. */
function ownerOf({ extraFields }: Entry): ArchiveEntry["owner"] {
  const field = extraFields.find(({ id }) => id === 0x7875)?.data;
  if (field === undefined || field.length < 11 || field[0] !== 1 || field[1] !== 4 || field[6] !== 4) return undefined;
  return { uid: field.readUInt32LE(2), gid: field.readUInt32LE(7) };
}

async function openContent(zip: ZipFile, entry: Entry): Promise<Readable> {
  const isZstd = entry.compressionMethod === zipMethods.zstd;
  const content = await openStream(zip, entry, isZstd);
  const stages = isZstd ? [createZstdDecompress(), checksumCheck(entry)] : [checksumCheck(entry)];
  return stages.reduce<Readable>((from, to) => {
    from.on("error", (error) => to.destroy(error));
    to.on("close", () => from.destroy());
    return from.pipe(to);
  }, content);
}

/** @param isRaw the reader does not know how to take the content apart. */
function openStream(zip: ZipFile, entry: Entry, isRaw: boolean): Promise<Readable> {
  return new Promise((resolve, reject) => {
    zip.openReadStream(entry, isRaw ? { decodeFileData: false } : {}, (error, stream) => {
      if (error) reject(new ArchiveError(`zip: ${entry.fileName}: ${error.message}`, { cause: error }));
      else resolve(stream);
    });
  });
}

function checksumCheck(entry: Entry): Transform {
  let checksum = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      checksum = crc32(chunk, checksum);
      done(null, chunk);
    },
    flush(done) {
      done(checksum === entry.crc32 ? null : checksumError(entry));
    },
  });
}
