import type { CollectedFiles } from "./collect-files.ts";
import type { CompressionLevel } from "./compression-level.ts";

/** What an archive is made of. */
export interface ArchiveSource {
  /** Directory the files are relative to. */
  readonly directory: string;
  readonly files: CollectedFiles;
  readonly level: CompressionLevel;
}
