import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { createZstdDecompress } from "node:zlib";
import { type Extract, extract, type Header } from "tar-stream";
import type { ArchiveEntry, ArchiveReader } from "./archive-entry.ts";
import { ArchiveError } from "./archive-error.ts";

/** Opens a tar archive that is compressed as a whole. What is none of the three kinds is left out. */
export function readTarZstd(file: string): ArchiveReader {
  const bytes = createZstdDecompress();
  const tar = extract();
  bytes.on("error", (error) => tar.destroy(error));

  function begin(): void {
    const compressed = createReadStream(file);
    compressed.on("error", (error) => bytes.destroy(error));
    bytes.on("close", () => compressed.destroy());
    compressed.pipe(bytes).pipe(tar);
  }

  return {
    entries: describeAll(tar, begin),
    async [Symbol.asyncDispose]() {
      bytes.destroy();
    },
  };
}

/** @param begin lets the archive be read: an entry, or an error, that comes before somebody listens would be lost. */
async function* describeAll(tar: Extract, begin: () => void): AsyncGenerator<ArchiveEntry> {
  try {
    begin();
    for await (const entry of tar) {
      const { header } = entry;
      const kind = kinds[header.type ?? "file"];
      if (kind !== undefined) yield describe(header, kind, entry);
      // A file that was opened is at its end by now.
      entry.resume();
    }
  } catch (cause) {
    if (cause instanceof ArchiveError) throw cause;
    throw new ArchiveError(`tar: ${cause instanceof Error ? cause.message : cause}`, { cause });
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
    read: undefined,
    open: async () => (kind === "link" ? Readable.from([Buffer.from(linkname ?? "")]) : Readable.from(content)),
  };
}
