import { createReadStream, type Stats } from "node:fs";
import { readlink } from "node:fs/promises";
import path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createZstdCompress } from "node:zlib";
import { type Pack, pack } from "tar-stream";
import type { ArchiveSource } from "./archive-source.ts";
import { zstdOptionsOf } from "./write-zip.ts";

/** A tar archive, compressed as a whole, as a stream. The same things are in it as in a zip archive. */
export function createTarZstdStream(source: ArchiveSource): Readable {
  const tar = pack();
  const compressing = createZstdCompress(zstdOptionsOf(source.level));
  writeEntries(tar, source).then(
    () => tar.finalize(),
    (error: Error) => compressing.destroy(error),
  );
  const packed = Readable.from(tar, { objectMode: false });
  packed.on("error", (error) => compressing.destroy(error));
  compressing.on("close", () => {
    packed.destroy();
    tar.destroy();
  });
  return packed.pipe(compressing);
}

async function writeEntries(tar: Pack, { directory, files }: ArchiveSource): Promise<void> {
  for (const [name, stats] of files) await writeEntry(tar, name, path.join(directory, name), stats);
}

async function writeEntry(tar: Pack, name: string, file: string, stats: Stats): Promise<void> {
  const header = { mode: stats.mode & 0o7777, mtime: stats.mtime, uid: stats.uid, gid: stats.gid };
  if (stats.isDirectory()) tar.entry({ ...header, name: `${name}/`, type: "directory" });
  else if (stats.isSymbolicLink()) tar.entry({ ...header, name, type: "symlink", linkname: await readlink(file) });
  else if (stats.isFile()) {
    // Sized as it was looked at: what a file has grown since does not belong to the archive.
    const content = stats.size === 0 ? Readable.from([]) : createReadStream(file, { end: stats.size - 1 });
    await pipeline(content, tar.entry({ ...header, name, size: stats.size }));
  }
}
