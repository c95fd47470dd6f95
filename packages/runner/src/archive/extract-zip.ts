import { createWriteStream } from "node:fs";
import { chmod, lstat, lutimes, mkdir, open, realpath, rm, symlink, utimes } from "node:fs/promises";
import path from "node:path";
import { type Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { crc32 } from "node:zlib";
import { type Entry, fromFdPromise, type ZipFile } from "yauzl";
import { ArchiveError } from "./archive-error.ts";
import type { ArchiveReport } from "./archive-report.ts";

export interface Extraction {
  /** The archive. */
  readonly file: string;
  /** Where its entries go, absolute. */
  readonly directory: string;
  readonly report: ArchiveReport;
  readonly signal: AbortSignal;
}

export interface ExtractedFiles {
  readonly files: number;
}

/**
 * Takes a zip archive apart, replacing files that are there, with modes and times.
 *
 * Nothing is written outside the directory, whatever the archive says: no absolute name, no `..`, no way through a link
 * that leads out. Links of the archive are made last, so that none of its files is written through them; they may point
 * anywhere, as a link in a work tree may.
 *
 * @throws {ArchiveError} when it is no zip archive, is damaged, or wants to leave the directory.
 */
export async function extractZip(extraction: Extraction): Promise<ExtractedFiles> {
  const handle = await open(extraction.file, "r");
  try {
    const zip = await fromFdPromise(handle.fd, { autoClose: false, lazyEntries: true }).catch((cause: unknown) => {
      throw new ArchiveError("zip: not a valid zip file", { cause });
    });
    return await extractEntries(zip, extraction);
  } finally {
    await handle.close();
  }
}

async function extractEntries(zip: ZipFile, extraction: Extraction): Promise<ExtractedFiles> {
  await mkdir(extraction.directory, { recursive: true });
  const guard = await createPathGuard(extraction.directory);
  const directories: { readonly target: string; readonly entry: Entry }[] = [];
  const links: { readonly target: string; readonly points: string; readonly entry: Entry }[] = [];
  let files = 0;
  let warnedOfGit = false;
  for await (const entry of entriesOf(zip)) {
    extraction.signal.throwIfAborted();
    const name = checkedName(entry);
    if (!warnedOfGit && /^\.git(?:\/|$)/.test(name)) {
      extraction.report.warning("Part of .git directory is on the list of files to extract");
      warnedOfGit = true;
    }
    const target = await guard(name);
    const mode = entry.externalFileAttributes >>> 16;
    files += 1;
    if (name.endsWith("/")) {
      await makeDirectory(target);
      directories.push({ target, entry });
    } else if ((mode & fileTypeMask) === linkType) links.push({ target, entry, points: await readText(zip, entry) });
    else await writeFile(zip, entry, target, extraction.signal);
  }
  for (const { target, points, entry } of links) await makeLink(target, points, entry.getLastModDate());
  // The innermost first: what is written into a directory changes its time, and its mode may forbid to write.
  for (const { target, entry } of directories.reverse()) await restoreAttributes(entry, target);
  return { files };
}

const fileTypeMask = 0o170000;
const linkType = 0o120000;
const permissionMask = 0o777;

async function* entriesOf(zip: ZipFile): AsyncGenerator<Entry> {
  for (;;) {
    const { promise, resolve, reject } = Promise.withResolvers<Entry | undefined>();
    zip.once("entry", resolve);
    zip.once("end", () => resolve(undefined));
    zip.once("error", (cause: Error) => reject(new ArchiveError(`zip: ${cause.message}`, { cause })));
    zip.readEntry();
    const entry = await promise;
    zip.removeAllListeners();
    if (entry === undefined) return;
    yield entry;
  }
}

/** The reader refuses absolute names and `..` itself; what is an entry's name is decided here all the same. */
function checkedName(entry: Entry): string {
  const name = entry.fileName;
  const segments = name.replace(/\/$/, "").split("/");
  if (name.startsWith("/") || name.includes("\0") || segments.some((part) => part === ".." || part === "")) {
    throw new ArchiveError(`zip: illegal file path: ${JSON.stringify(name)}`);
  }
  return name;
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
        throw new ArchiveError(`zip: file path leads out of the directory: ${JSON.stringify(name)}`);
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

async function writeFile(zip: ZipFile, entry: Entry, target: string, signal: AbortSignal): Promise<void> {
  await removeFile(target);
  const source = await openEntry(zip, entry);
  const check = checksumCheck(entry);
  await pipeline(source, check, createWriteStream(target, { flags: "wx" }), { signal }).catch((cause: unknown) => {
    signal.throwIfAborted();
    if (cause instanceof ArchiveError) throw cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new ArchiveError(`zip: ${entry.fileName}: ${message}`, { cause });
  });
  await restoreAttributes(entry, target);
}

/** Never writes through a link: what is there goes first. */
async function removeFile(target: string): Promise<void> {
  const stats = await lstat(target).catch(() => undefined);
  if (stats !== undefined) await rm(target, { recursive: stats.isDirectory(), force: true });
}

async function makeLink(target: string, points: string, modified: Date): Promise<void> {
  await removeFile(target);
  await symlink(points, target);
  await lutimes(target, modified, modified);
}

function openEntry(zip: ZipFile, entry: Entry): Promise<Readable> {
  return new Promise((resolve, reject) => {
    zip.openReadStream(entry, (error, stream) => {
      if (error) reject(new ArchiveError(`zip: ${entry.fileName}: ${error.message}`, { cause: error }));
      else resolve(stream);
    });
  });
}

async function readText(zip: ZipFile, entry: Entry): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of await openEntry(zip, entry)) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function checksumCheck(entry: Entry): Transform {
  let checksum = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      checksum = crc32(chunk, checksum);
      done(null, chunk);
    },
    flush(done) {
      done(checksum === entry.crc32 ? null : new ArchiveError(`zip: ${entry.fileName}: checksum error`));
    },
  });
}

/** Ownership is not restored: only root could, and a job's user should not get files of another's. */
async function restoreAttributes(entry: Entry, target: string): Promise<void> {
  const mode = (entry.externalFileAttributes >>> 16) & permissionMask;
  if (mode !== 0) await chmod(target, mode);
  const modified = entry.getLastModDate();
  await utimes(target, modified, modified);
}
