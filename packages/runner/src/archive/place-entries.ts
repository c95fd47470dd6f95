import { createWriteStream } from "node:fs";
import { chmod, lchown, lstat, lutimes, mkdir, realpath, rm, symlink, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import type { ArchiveEntry } from "./archive-entry.ts";
import { ArchiveError } from "./archive-error.ts";
import type { ArchiveReport } from "./archive-report.ts";
import { startConcurrentWork } from "./concurrent-work.ts";

/** Small files that are written beside each other. */
const filesAtOnce = 8;

export interface Placement {
  /** Where entries go, absolute. */
  readonly directory: string;
  readonly report: ArchiveReport;
  readonly signal: AbortSignal;
}

/**
 * Makes files of the entries of an archive, replacing files that are there, with modes and times; with owners too where
 * this process may give files away.
 *
 * Nothing is written outside the directory, whatever the archive says: no absolute name, no `..`, no way through a link
 * that leads out. Links of the archive are made last, so that none of its files is written through them; they may point
 * anywhere, as a link in a work tree may.
 *
 * @returns how many there were. @throws {ArchiveError} when one wants to leave the directory, or its content is damaged.
 */
export async function placeEntries(entries: AsyncIterable<ArchiveEntry>, placement: Placement): Promise<number> {
  const { directory, report, signal } = placement;
  await mkdir(directory, { recursive: true });
  const guard = await createPathGuard(directory);
  const directories: { readonly target: string; readonly entry: ArchiveEntry }[] = [];
  const links: { readonly target: string; readonly points: string; readonly entry: ArchiveEntry }[] = [];
  let count = 0;
  let warnedOfGit = false;
  await using work = startConcurrentWork(filesAtOnce);
  const written = new Set<string>();
  for await (const entry of entries) {
    signal.throwIfAborted();
    const name = checkedName(entry);
    if (!warnedOfGit && /^\.git(?:\/|$)/.test(name)) {
      report.warning("Part of .git directory is on the list of files to extract");
      warnedOfGit = true;
    }
    count += 1;
    // The directory itself, as archives of tar may have it.
    if (path.posix.normalize(name) === ".") continue;
    const target = await guard(name);
    if (entry.kind === "directory") {
      await makeDirectory(target);
      directories.push({ target, entry });
    } else if (entry.kind === "link") links.push({ target, entry, points: await text(await entry.open()) });
    else if (entry.read === undefined) await writeStream(entry, target, signal);
    else {
      const read = entry.read;
      // Of two entries with one name the last counts.
      if (written.has(target)) await work.finish();
      written.add(target);
      await work.add(() => writeWhole(entry, target, read));
    }
  }
  await work.finish();
  for (const { target, points, entry } of links) await makeLink(target, points, entry);
  // The innermost first: what is written into a directory changes its time, and its mode may forbid to write.
  for (const { target, entry } of directories.reverse()) await restoreAttributes(entry, target);
  return count;
}

/** Readers may refuse absolute names and `..` themselves; what is an entry's name is decided here all the same. */
function checkedName({ name }: ArchiveEntry): string {
  const bare = name.replace(/\/$/, "");
  const segments = bare.split("/");
  if (name.startsWith("/") || name.includes("\0") || segments.some((part) => part === ".." || part === "")) {
    throw new ArchiveError(`illegal file path in the archive: ${JSON.stringify(name)}`);
  }
  return bare;
}

/** @returns a function that gives an entry's place, or throws when its directory leads out through a link. */
async function createPathGuard(directory: string): Promise<(name: string) => Promise<string>> {
  const root = await realpath(directory);
  const checked = new Set<string>([root]);
  return async (name) => {
    const target = path.join(root, name);
    const parent = path.dirname(target);
    if (!checked.has(parent)) {
      await makeDirectory(parent);
      const real = await realpath(parent);
      if (real !== root && !real.startsWith(`${root}${path.sep}`)) {
        throw new ArchiveError(`a file path of the archive leads out of the directory: ${JSON.stringify(name)}`);
      }
      checked.add(parent);
    }
    return target;
  };
}

async function makeDirectory(target: string): Promise<void> {
  try {
    await mkdir(target, { recursive: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    // A file stands where a directory belongs.
    await rm(target, { force: true });
    await mkdir(target, { recursive: true });
  }
}

async function writeWhole(entry: ArchiveEntry, target: string, read: () => Promise<Uint8Array>): Promise<void> {
  const content = await read();
  try {
    await writeFile(target, content, { flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    await removeFile(target);
    await writeFile(target, content, { flag: "wx" });
  }
  await restoreAttributes(entry, target);
}

async function writeStream(entry: ArchiveEntry, target: string, signal: AbortSignal): Promise<void> {
  await removeFile(target);
  const content = await entry.open();
  await pipeline(content, createWriteStream(target, { flags: "wx" }), { signal }).catch((cause: unknown) => {
    signal.throwIfAborted();
    if (cause instanceof ArchiveError || isOfTheDisk(cause)) throw cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new ArchiveError(`${entry.name} cannot be extracted: ${message}`, { cause });
  });
  await restoreAttributes(entry, target);
}

function isOfTheDisk(error: unknown): boolean {
  return error instanceof Error && "syscall" in error;
}

/** Never writes through a link: what is there goes first. */
async function removeFile(target: string): Promise<void> {
  const stats = await lstat(target).catch(() => undefined);
  if (stats !== undefined) await rm(target, { recursive: stats.isDirectory(), force: true });
}

async function makeLink(target: string, points: string, entry: ArchiveEntry): Promise<void> {
  await removeFile(target);
  await symlink(points, target);
  await restoreOwner(entry, target);
  await lutimes(target, entry.modified, entry.modified);
}

/** The owner first: a change of it takes bits of the mode away. */
async function restoreAttributes(entry: ArchiveEntry, target: string): Promise<void> {
  await restoreOwner(entry, target);
  if (entry.mode !== 0) await chmod(target, entry.mode);
  await utimes(target, entry.modified, entry.modified);
}

const isRoot = process.getuid?.() === 0;

/** Only root may give files away; and what it cannot, on a file system without owners say, stays its own. */
async function restoreOwner({ owner }: ArchiveEntry, target: string): Promise<void> {
  if (isRoot && owner !== undefined && (owner.uid !== 0 || owner.gid !== process.getgid?.()))
    await lchown(target, owner.uid, owner.gid).catch(() => undefined);
}
