import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, rmdir, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Log } from "../../logging/log.ts";
import { segmentSuffix } from "./segment.ts";
import { beat, heartbeatMs, isAbandoned, writeOwner } from "./spool-owner.ts";

/**
 * The spool of this process: a folder of its own below the common one, so that two processes never share a file.
 *
 * ```
 * <directory>/
 *   spool-<instance>/      one per living process
 *     owner.json
 *     <endpoint key>/      segments, and a note of who asked for the endpoint
 * ```
 *
 * What dead processes left is taken over when it is opened: their folders are renamed into ours, which only one of two
 * processes can succeed in, and their segments put beside ours.
 */
export interface SpoolFolder extends AsyncDisposable {
  /**
   * The folder for an endpoint's segments, with what was left for it; `note` stays with them, for the next process.
   *
   * @throws the file system's error.
   */
  endpointFolder(key: string, note: string | undefined): Promise<string>;
  /** Of the endpoints that dead processes left segments for. Empty when the folder cannot be had. */
  notes(): Promise<readonly string[]>;
  /** Removes what is empty and lets the rest be taken over by another process at once. */
  [Symbol.asyncDispose](): Promise<void>;
}

export interface SpoolFolderOptions {
  /** Segments of other processes that are older are removed: their endpoint may never be asked for again. */
  readonly maxAgeMs: number;
  readonly log: Log;
}

export function openSpoolFolder(directory: string, options: SpoolFolderOptions): SpoolFolder {
  const opened = open(directory, options);
  opened.catch(() => {}); // Whoever asks for an endpoint's folder is told.
  const heartbeat = setInterval(() => {
    opened.then(beat).catch(() => {}); // A missed beat only matters on other hosts, after six of them.
  }, heartbeatMs);
  heartbeat.unref();

  return {
    async endpointFolder(key, note) {
      const folder = join(await opened, key);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      // Without it, what is left waits until somebody asks for the endpoint: no reason to do without the spool.
      if (note !== undefined) await writeFile(join(folder, noteFile), note, { mode: 0o600 }).catch(() => {});
      return folder;
    },
    notes: () => opened.then(notesBelow).catch(() => []),
    async [Symbol.asyncDispose]() {
      clearInterval(heartbeat);
      const folder = await opened.catch(() => undefined);
      if (folder !== undefined) await letGo(folder);
    },
  };
}

const noteFile = "note";

/** Only folders that were made here are ever touched: the directory may be one that holds other things. */
export const spoolName = /^spool-[0-9a-f-]{36}$/;

/** Makes our folder, complete before it has its name, and takes over what was abandoned. */
async function open(directory: string, options: SpoolFolderOptions): Promise<string> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const unnamed = await mkdtemp(join(directory, ".new-spool-"));
  await writeOwner(unnamed);
  const own = join(directory, `spool-${randomUUID()}`);
  await rename(unnamed, own);
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const other = join(directory, entry.name);
    const isSpool = entry.isDirectory() && spoolName.test(entry.name) && other !== own;
    if (isSpool && (await isAbandoned(other))) await takeOver(other, own, options);
  }
  return own;
}

async function takeOver(other: string, own: string, options: SpoolFolderOptions): Promise<void> {
  const taken = join(own, `taken-${randomUUID()}`);
  try {
    await rename(other, taken);
  } catch {
    return; // Another process was faster.
  }
  for (const { key, file, path } of await segmentsBelow(taken)) {
    if (Date.now() - (await stat(path)).mtimeMs > options.maxAgeMs) {
      options.log.warn("old telemetry spool segment removed", { path });
      continue;
    }
    await mkdir(join(own, key), { recursive: true, mode: 0o700 });
    await rename(path, join(own, key, file));
    // Beside the first of its segments; the others find it gone.
    await rename(join(dirname(path), noteFile), join(own, key, noteFile)).catch(() => {});
  }
  await rm(taken, { recursive: true });
}

/** Also below `taken-…`, where a process left them that died while it took over. */
async function segmentsBelow(folder: string): Promise<{ key: string; file: string; path: string }[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(segmentSuffix))
    .map((entry) => ({
      // Without the number that keeps endpoints of one key apart within a process.
      key: basename(entry.parentPath).replace(/-\d+$/, ""),
      file: entry.name,
      path: join(entry.parentPath, entry.name),
    }));
}

async function letGo(folder: string): Promise<void> {
  await rm(join(folder, "owner.json"), { force: true });
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    if (entry.isDirectory()) await letEndpointGo(join(folder, entry.name));
  }
  await removeIfEmpty(folder);
}

/** A note without segments tells nobody anything. */
async function letEndpointGo(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  if (!names.some((name) => name.endsWith(segmentSuffix))) await rm(join(folder, noteFile), { force: true });
  await removeIfEmpty(folder);
}

async function notesBelow(folder: string): Promise<string[]> {
  const keys = [...new Set((await segmentsBelow(folder)).map(({ path }) => dirname(path)))];
  const notes = await Promise.all(keys.map((key) => readFile(join(key, noteFile), "utf8").catch(() => undefined)));
  return notes.filter((note) => note !== undefined);
}

async function removeIfEmpty(folder: string): Promise<void> {
  await rmdir(folder).catch(() => {}); // Not empty: that is what stays for the next process.
}
