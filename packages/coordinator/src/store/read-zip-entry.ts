import { promisify } from "node:util";
import { type Entry, open, type ZipFile } from "yauzl";

/** Largest file that is read out of an archive. */
const maxEntryBytes = 4 << 20;

/**
 * Reads one file of a zip archive; `undefined` when it is not there. Nothing is written anywhere.
 * @throws {Error} when the archive is broken or the file larger than 4 MiB.
 */
export async function readZipEntry(archive: string, path: string): Promise<Buffer | undefined> {
  const zip = await promisify<string, { lazyEntries: true }, ZipFile>(open)(archive, { lazyEntries: true });
  const { promise, resolve, reject } = Promise.withResolvers<Buffer | undefined>();
  zip.on("error", reject);
  zip.on("end", () => resolve(undefined));
  zip.on("entry", (entry: Entry) => {
    if (entry.fileName !== path) zip.readEntry();
    else if (entry.uncompressedSize > maxEntryBytes) reject(new Error(`${path} is larger than ${maxEntryBytes} bytes`));
    else readAll(zip, entry).then(resolve, reject);
  });
  zip.readEntry();
  try {
    return await promise;
  } finally {
    zip.close();
  }
}

async function readAll(zip: ZipFile, entry: Entry): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<NodeJS.ReadableStream>();
  zip.openReadStream(entry, (error, stream) => (error === null ? resolve(stream) : reject(error)));
  const chunks: Buffer[] = [];
  for await (const chunk of await promise) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}
