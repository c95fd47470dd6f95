import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Header, type Pack, pack } from "tar-stream";

/** One thing in an image. Paths are absolute. */
export type ImageEntry =
  /** A file of this machine; what a link points to is taken in its place. */
  | {
      readonly kind: "copy";
      readonly path: string;
      readonly from: string;
      readonly mode: number;
      /** Tells its content from that of another version. Default: size and time. */
      readonly version?: string;
    }
  | { readonly kind: "text"; readonly path: string; readonly text: string; readonly mode: number }
  | { readonly kind: "link"; readonly path: string; readonly to: string }
  | { readonly kind: "directory"; readonly path: string; readonly mode: number };

/**
 * Gives entries to `send` as a tar stream: in their order, owned by root, without times. Of two with one path the first
 * counts.
 *
 * @returns what `send` returned. @throws also when a file cannot be read, which whoever sends might wait for in vain.
 */
export async function sendTar<Result>(
  entries: readonly ImageEntry[],
  send: (tar: Readable) => Promise<Result>,
): Promise<Result> {
  const tar = pack();
  const written = writeEntries(tar, withoutRepetition(entries)).then(() => tar.finalize());
  const unreadable = new Promise<never>((_resolve, reject) => {
    written.catch(reject);
  });
  const stream = Readable.from(tar, { objectMode: false });
  try {
    return await Promise.race([send(stream), unreadable]);
  } finally {
    stream.destroy();
    tar.destroy();
    await written.catch(() => undefined);
  }
}

/** Changes when an entry does. Copied files are known by their version: reading them all would take too long. */
export async function digestOf(entries: readonly ImageEntry[]): Promise<string> {
  const hash = createHash("sha256");
  for (const entry of withoutRepetition(entries)) {
    hash.update(`${JSON.stringify(entry.kind === "copy" ? await versionOf(entry) : entry)}\n`);
  }
  return hash.digest("hex");
}

/** Where a file comes from is of no matter. */
async function versionOf({ path, mode, from, version }: ImageEntry & { readonly kind: "copy" }): Promise<unknown[]> {
  if (version !== undefined) return [path, mode, version];
  const { size, mtimeMs } = await stat(from);
  return [path, mode, size, mtimeMs];
}

function withoutRepetition(entries: readonly ImageEntry[]): ImageEntry[] {
  const byPath = new Map<string, ImageEntry>();
  for (const entry of entries) if (!byPath.has(entry.path)) byPath.set(entry.path, entry);
  return [...byPath.values()];
}

async function writeEntries(tar: Pack, entries: readonly ImageEntry[]): Promise<void> {
  for (const entry of entries) {
    const header = { name: entry.path.slice(1), mtime: new Date(0), uid: 0, gid: 0 };
    switch (entry.kind) {
      case "copy": {
        const { size } = await stat(entry.from);
        await pipeline(createReadStream(entry.from), tar.entry({ ...header, mode: entry.mode, size }));
        break;
      }
      case "text":
        await writeEntry(tar, { ...header, mode: entry.mode }, entry.text);
        break;
      case "link":
        await writeEntry(tar, { ...header, type: "symlink", linkname: entry.to, mode: 0o777 });
        break;
      case "directory":
        await writeEntry(tar, { ...header, type: "directory", mode: entry.mode });
    }
  }
}

function writeEntry(tar: Pack, header: Partial<Header> & { readonly name: string }, content = ""): Promise<void> {
  return new Promise((resolve, reject) => {
    tar.entry(header, content, (error) => (error ? reject(error) : resolve()));
  });
}
