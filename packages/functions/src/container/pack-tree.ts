import { createReadStream } from "node:fs";
import { lstat, readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Pack, pack } from "tar-stream";

/** A tar of all files, directories and links below a directory, root's, with their executable bits. */
export function packTree(directory: string): Readable {
  const tar = pack();
  packDirectory(tar, directory, "").then(
    () => tar.finalize(),
    (error: unknown) => tar.destroy(error instanceof Error ? error : new Error(String(error))),
  );
  return Readable.from(tar, { objectMode: false });
}

async function packDirectory(tar: Pack, root: string, below: string): Promise<void> {
  for (const entry of await readdir(join(root, below), { withFileTypes: true })) {
    const name = join(below, entry.name);
    const path = join(root, name);
    if (entry.isDirectory()) {
      tar.entry({ name: `${name}/`, type: "directory", mode: 0o755 });
      await packDirectory(tar, root, name);
    } else if (entry.isSymbolicLink()) {
      tar.entry({ name, type: "symlink", linkname: await readlink(path) });
    } else if (entry.isFile()) {
      const { mode, size } = await lstat(path);
      const target = tar.entry({ name, size, mode: mode & 0o111 ? 0o755 : 0o644 });
      await pipeline(createReadStream(path), target as unknown as NodeJS.WritableStream); // the same for writing
    }
  }
}
