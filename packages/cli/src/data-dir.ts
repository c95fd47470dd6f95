import { constants } from "node:fs";
import { access, mkdir, statfs } from "node:fs/promises";
import { join, resolve } from "node:path";
import { CommandError } from "./command-error.ts";

/** Where what outlives a command is kept: one folder for each part that writes. */
export interface DataDir {
  readonly path: string;
  /** The collector's: ClickHouse's files and `collector.json`. */
  readonly store: string;
  /** The coordinator's: counters, logs, artifacts, snapshots. */
  readonly coordinator: string;
  /** The runner's local cache. */
  readonly cache: string;
  /** The runner's configuration while it runs, and where its builds are. */
  readonly runner: string;
}

/** Names the folders without touching the disk. */
export function dataDirAt(path: string): DataDir {
  const absolute = resolve(path);
  return {
    path: absolute,
    store: join(absolute, "store"),
    coordinator: join(absolute, "coordinator"),
    cache: join(absolute, "cache"),
    runner: join(absolute, "runner"),
  };
}

/** Below this the store could not even write its own files. */
const leastFreeBytes = 32 * 1024 * 1024;

/**
 * Makes the data directory, for its owner only, and checks that it can be used.
 *
 * @throws {CommandError} when it cannot be made or written, or its disk is full.
 */
export async function openDataDir(path: string): Promise<DataDir> {
  const dir = dataDirAt(path);
  const hint = "--data DIR takes another directory.";
  try {
    await mkdir(dir.path, { recursive: true, mode: 0o700 });
    await access(dir.path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new CommandError(`the data directory ${dir.path} cannot be written: ${reasonOf(cause)}`, { hint, cause });
  }
  const { bavail, bsize } = await statfs(dir.path);
  if (bavail * bsize < leastFreeBytes) {
    const free = `${Math.floor((bavail * bsize) / 1024 / 1024)} MiB`;
    throw new CommandError(`the disk of the data directory ${dir.path} is full: ${free} are left`, { hint });
  }
  return dir;
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  switch (code) {
    case "EACCES":
    case "EPERM":
      return "permission denied";
    case "EROFS":
      return "the file system is read-only";
    case "ENOTDIR":
    case "EEXIST":
      return "it is no directory";
    case "ENOENT":
      return "no directory can be made there";
    case "ENOSPC":
      return "no space is left on the disk";
    default:
      return error instanceof Error ? error.message : String(error);
  }
}
