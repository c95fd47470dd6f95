import { createHash, type Hash } from "node:crypto";
import { pipeline as connect, Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { extract } from "tar-stream";
import { FunctionError } from "../../function-error.ts";
import { type FetchMeter, fetchFailure } from "../fetch-limits.ts";
import type { FunctionTree } from "./function-tree.ts";

type Bytes = AsyncIterable<Uint8Array>;
type Entry = ReturnType<typeof extract> extends AsyncIterable<infer Item> ? Item : never;

/**
 * Extracts one layer. Files and directories only: links and devices are left out; executable bits stay, all others do not
 * (ci-functions.md §2.5 "Fetching"). Takes tar plain, with gzip and with zstd, by its first bytes.
 *
 * @param digest of the bytes as they come; checked at the end. Until then nothing of the tree may be used.
 * @throws {FunctionError} `fetch_failed`; the tree is half filled then.
 */
export async function extractLayer(
  compressed: Bytes,
  digest: string,
  tree: FunctionTree,
  meter: FetchMeter,
): Promise<void> {
  const hash = createHash("sha256");
  try {
    await extractTar(decompress(counted(compressed, hash, meter)), tree, meter);
  } catch (error) {
    if (error instanceof FunctionError) throw error;
    throw fetchFailure(`a layer cannot be read: ${error instanceof Error ? error.message : "unknown"}`, error);
  }
  const found = `sha256:${hash.digest("hex")}`;
  if (found !== digest) throw fetchFailure(`a layer has the digest ${found}, expected ${digest}`);
}

async function* counted(source: Bytes, hash: Hash, meter: FetchMeter): Bytes {
  for await (const chunk of source) {
    meter.downloaded(chunk.length);
    hash.update(chunk);
    yield chunk;
  }
}

const gzipMagic = Buffer.from([0x1f, 0x8b]);
const zstdMagic = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

async function* decompress(source: Bytes): Bytes {
  const chunks = source[Symbol.asyncIterator]();
  let start = Buffer.alloc(0);
  while (start.length < zstdMagic.length) {
    const next = await chunks.next();
    if (next.done) break;
    start = Buffer.concat([start, next.value]);
  }
  const whole = Readable.from(joined(start, chunks), { objectMode: false });
  const decompressor = start.subarray(0, 2).equals(gzipMagic)
    ? createGunzip()
    : start.subarray(0, 4).equals(zstdMagic)
      ? createZstdDecompress()
      : undefined;
  // an error of either end reaches whoever reads the returned stream
  yield* decompressor === undefined ? whole : connect(whole, decompressor, () => {});
}

async function* joined(start: Uint8Array, rest: AsyncIterator<Uint8Array>): Bytes {
  if (start.length > 0) yield start;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}

/** Largest stretch of an archive that belongs to no entry's content: names and attributes, which are held in memory. */
const maxHeaderBytes = 4 * 1024 * 1024;

/** Extracts a plain tar; as {@link extractLayer} in everything else. */
export async function extractTar(source: Bytes, tree: FunctionTree, meter: FetchMeter): Promise<void> {
  const tar = extract();
  const gap = { insideEntry: false, bytes: 0 };
  const feeding = pipeline(withBoundedGaps(source, gap), tar);
  feeding.catch(() => {}); // reported below, or by the iteration
  for await (const entry of tar) {
    gap.insideEntry = true;
    await addEntry(entry, tree, meter);
    gap.insideEntry = false;
    gap.bytes = 0;
  }
  await feeding;
}

/** An archive that breaks off ends its last entry early, which must not pass for the end of a file. */
async function* wholeContent(entry: Entry, size: number): Bytes {
  let length = 0;
  for await (const chunk of entry) {
    length += (chunk as Uint8Array).length;
    yield chunk as Uint8Array;
  }
  if (length !== size) throw fetchFailure("a layer breaks off within a file");
}

async function* withBoundedGaps(source: Bytes, gap: { readonly insideEntry: boolean; bytes: number }): Bytes {
  for await (const chunk of source) {
    if (!gap.insideEntry) gap.bytes += chunk.length;
    if (gap.bytes > maxHeaderBytes) throw fetchFailure("a layer has oversized names or attributes");
    yield chunk;
  }
}

async function addEntry(entry: Entry, tree: FunctionTree, meter: FetchMeter): Promise<void> {
  const { name, type, size = 0, mode = 0 } = entry.header;
  meter.entry();
  meter.extracted(size);
  if (type === "file" || type === "contiguous-file") {
    await tree.addFile(name, (mode & 0o111) !== 0, wholeContent(entry, size));
    return;
  }
  if (type === "directory") await tree.addDirectory(name);
  entry.resume();
}
