import { createHash, randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";

/** What came in is not what was announced. */
export class LfsObjectError extends Error {
  override readonly name = "LfsObjectError";
}

/** The first folder's file of an object; `undefined` when none has it whole. */
export async function findLfsObject(
  folders: readonly string[],
  oid: string,
): Promise<{ path: string; size: number } | undefined> {
  for (const folder of folders) {
    const path = lfsObjectPath(folder, oid);
    const entry = await stat(path).catch(() => undefined);
    if (entry?.isFile() === true) return { path, size: entry.size };
  }
  return undefined;
}

/**
 * Stores an object as git-lfs would; it has its name only once it is whole and right.
 * @throws {LfsObjectError} when it is larger than `maxBytes` or its content has another SHA-256.
 */
export async function keepLfsObject(
  folder: string,
  oid: string,
  content: Readable,
  { maxBytes }: { maxBytes: number },
): Promise<void> {
  const path = lfsObjectPath(folder, oid);
  await mkdir(dirname(path), { recursive: true });
  const incoming = `${path}.${randomUUID()}`;
  const sum = createHash("sha256");
  let bytes = 0;
  const checked = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      sum.update(chunk);
      if (bytes > maxBytes) done(new LfsObjectError(`object ${oid} is larger than ${maxBytes} bytes`));
      else done(null, chunk);
    },
  });
  try {
    await pipeline(content, checked, createWriteStream(incoming, { mode: 0o600, flags: "wx" }));
    if (sum.digest("hex") !== oid) throw new LfsObjectError(`the content is not that of object ${oid}`);
    await rename(incoming, path);
  } finally {
    await rm(incoming, { force: true });
  }
}

/** Where git-lfs itself puts an object below a folder of objects. */
function lfsObjectPath(folder: string, oid: string): string {
  return join(folder, oid.slice(0, 2), oid.slice(2, 4), oid);
}
