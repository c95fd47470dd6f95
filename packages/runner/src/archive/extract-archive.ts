import { open } from "node:fs/promises";
import { ArchiveError } from "./archive-error.ts";
import { type Placement, placeEntries } from "./place-entries.ts";
import { readTarZstd } from "./read-tar-zstd.ts";
import { readZip } from "./read-zip.ts";

export interface Extraction extends Placement {
  /** The archive. */
  readonly file: string;
}

export interface ExtractedFiles {
  readonly files: number;
}

/**
 * Takes an archive apart, whatever its format: that of `placeEntries` for what becomes of its entries.
 *
 * @throws {ArchiveError} when it is no archive that we can take apart, is damaged, or wants to leave the directory.
 */
export async function extractArchive({ file, ...placement }: Extraction): Promise<ExtractedFiles> {
  const format = await detectArchiveFormat(file);
  if (format === "gzip") throw new ArchiveError(`no extractor for archives of format ${format}`);
  await using archive = format === "tarzstd" ? readTarZstd(file) : await readZip(file);
  return { files: await placeEntries(archive.entries, placement) };
}

export type ArchiveFormat = "zip" | "gzip" | "tarzstd";

/** What a file is, by its first bytes. Rule: runner-protocol.md §1.12. */
export async function detectArchiveFormat(file: string): Promise<ArchiveFormat> {
  const handle = await open(file, "r");
  try {
    const { buffer } = await handle.read(Buffer.alloc(4), 0, 4, 0);
    if (buffer.readUInt32BE() === 0x28b52ffd) return "tarzstd";
    return buffer.readUInt16BE() === 0x1f8b ? "gzip" : "zip";
  } finally {
    await handle.close();
  }
}
