import { randomBytes } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, rename, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import type { ArchiveReport } from "../archive/archive-report.ts";
import type { ArchiveSource } from "../archive/archive-source.ts";
import type { CollectedFiles } from "../archive/collect-files.ts";
import { createArchiveStream, type WritableFormat } from "../archive/create-archive-stream.ts";
import { extractArchive } from "../archive/extract-archive.ts";

/** One archive on this machine's disk. Rule for its place: runner-protocol.md §3.3. */
export interface CacheLocation {
  /** `<cache root>/<namespace>/<project>/<key>` */
  readonly directory: string;
  /** For people. */
  readonly key: string;
}

export type CacheRestore =
  | { readonly kind: "missing" }
  | { readonly kind: "restored"; readonly bytes: number; readonly files: number };

/**
 * Extracts an archive into the project directory.
 *
 * @throws {ArchiveError} when it is damaged.
 */
export async function restoreFromDisk(
  location: CacheLocation,
  projectDirectory: string,
  report: ArchiveReport,
  signal: AbortSignal,
): Promise<CacheRestore> {
  const file = archiveFile(location);
  const stats = await stat(file).catch(() => undefined);
  if (stats === undefined) return { kind: "missing" };
  const { files } = await extractArchive({ file, directory: projectDirectory, report, signal });
  return { kind: "restored", bytes: stats.size, files };
}

export type CacheSave =
  | { readonly kind: "up-to-date"; readonly bytes: number }
  | { readonly kind: "saved"; readonly bytes: number };

export interface CacheContent {
  readonly source: ArchiveSource;
  /** The file has the same name in any format: readers look at its content. */
  readonly format: WritableFormat;
}

/** Makes the archive anew unless none of its files is younger. Readers see the old one or the new one, never a part. */
export async function saveToDisk(
  location: CacheLocation,
  { source, format }: CacheContent,
  signal: AbortSignal,
): Promise<CacheSave> {
  const file = archiveFile(location);
  const existing = await stat(file).catch(() => undefined);
  if (existing !== undefined && !hasYounger(source.files, existing.mtimeMs))
    return { kind: "up-to-date", bytes: existing.size };
  await mkdir(location.directory, { recursive: true, mode: 0o700 });
  const temporary = path.join(location.directory, `archive_${randomBytes(6).toString("hex")}`);
  try {
    const archive = createArchiveStream(format, source);
    await pipeline(archive, createWriteStream(temporary, { flags: "wx", mode: 0o600 }), { signal });
    const { size } = await stat(temporary);
    await rename(temporary, file);
    await writeFile(path.join(location.directory, "metadata.json"), JSON.stringify({ cachekey: location.key }));
    return { kind: "saved", bytes: size };
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Where the archive is on the disk. */
export function archiveFile({ directory }: Pick<CacheLocation, "directory">): string {
  return path.join(directory, "cache.zip");
}

function hasYounger(files: CollectedFiles, sinceMs: number): boolean {
  for (const stats of files.values()) if (stats.mtimeMs > sinceMs) return true;
  return false;
}
