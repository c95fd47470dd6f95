import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { createZstdDecompress } from "node:zlib";
import { extract, type Header } from "tar-stream";
import type { ArchiveEntry } from "./archive-entry.ts";
import { ArchiveError } from "./archive-error.ts";

/** The entries of a tar archive that is compressed as a whole, one after the other. What is none of the three kinds is left out. */
export async function* readTarZstd(file: string): AsyncGenerator<ArchiveEntry> {
  const compressed = createReadStream(file);
  const bytes = createZstdDecompress();
  const tar = extract();
  compressed.on("error", (error) => bytes.destroy(error));
  bytes.on("error", (error) => tar.destroy(error));
  compressed.pipe(bytes).pipe(tar);
  try {
    for await (const entry of tar) {
      const { header } = entry;
      const kind = kinds[header.type ?? "file"];
      if (kind === undefined) {
        entry.resume();
        continue;
      }
      yield describe(header, kind, entry);
      // A file that was opened is at its end by now.
      entry.resume();
    }
  } catch (cause) {
    if (cause instanceof ArchiveError) throw cause;
    throw new ArchiveError(`tar: ${cause instanceof Error ? cause.message : cause}`, { cause });
  } finally {
    compressed.destroy();
    bytes.destroy();
  }
}

const kinds: Readonly<Partial<Record<NonNullable<Header["type"]>, ArchiveEntry["kind"]>>> = {
  file: "file",
  "contiguous-file": "file",
  directory: "directory",
  symlink: "link",
};

function describe(header: Header, kind: ArchiveEntry["kind"], content: AsyncIterable<unknown>): ArchiveEntry {
  const { name, mode = 0, mtime = new Date(0), uid, gid, linkname } = header;
  return {
    name,
    kind,
    mode: mode & 0o777,
    modified: mtime,
    owner: uid === undefined || gid === undefined ? undefined : { uid, gid },
    open: async () => (kind === "link" ? Readable.from([Buffer.from(linkname ?? "")]) : Readable.from(content)),
  };
}
