import { type Hash, randomBytes } from "node:crypto";
import { mkdir, open, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import type { SignedRequest } from "../signed-request.ts";
import { type TransferOptions, withRetries } from "./archive-transfer.ts";
import { contentDigest, createContentHash } from "./content-digest.ts";
import { connectionTrouble, refusalOf, type StoreAnswer, sendToStore, withoutSignature } from "./store-request.ts";
import { CacheTransferError } from "./transfer-error.ts";

export interface ArchiveDownload extends TransferOptions {
  readonly request: SignedRequest;
  /** Where the archive goes; the one that is there is replaced when the new one is whole. */
  readonly file: string;
}

export type DownloadOutcome =
  /** There is no such archive. */
  | { readonly kind: "missing" }
  /** The one on the disk is as young as the store's. */
  | { readonly kind: "up-to-date" }
  | { readonly kind: "downloaded"; readonly bytes: number };

/**
 * Fetches an archive from its store. What came before a connection broke is kept for the next try, which asks for the rest
 * of the same object; length and digest are checked at the end. The file gets the time of the object.
 *
 * @throws {CacheTransferError} when it was refused or did not come whole.
 *
 * Rule: runner-protocol.md §3.7.
 */
export async function downloadArchive(download: ArchiveDownload): Promise<DownloadOutcome> {
  const directory = path.dirname(download.file);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const part = createPart(path.join(directory, `cache${randomBytes(6).toString("hex")}`));
  let networkBytes = 0;
  try {
    return await withRetries(download, async (attempt, signal) => {
      const onBytes = (count: number) => {
        networkBytes += count;
        download.onProgress({ networkBytes, retries: attempt });
      };
      onBytes(0);
      return await downloadOnce(download, part, { signal, onBytes });
    });
  } finally {
    await rm(part.file, { force: true });
  }
}

/** What came so far. */
interface Part {
  readonly file: string;
  bytes: number;
  hash: Hash | undefined;
  /** The object it is of; `undefined`: nothing to go on from. */
  etag: string | undefined;
}

function createPart(file: string): Part {
  return { file, bytes: 0, hash: createContentHash(), etag: undefined };
}

function beginAnew(part: Part): void {
  Object.assign(part, createPart(part.file));
}

interface Try {
  readonly signal: AbortSignal;
  readonly onBytes: (count: number) => void;
}

async function downloadOnce(download: ArchiveDownload, part: Part, { signal, onBytes }: Try): Promise<DownloadOutcome> {
  const { request, file, connections, report } = download;
  report.info("Using presigned URL for cache download");
  const { etag: known } = part;
  const goesOn = known !== undefined && part.bytes > 0;
  const rest = goesOn ? { range: `bytes=${part.bytes}-`, "if-match": known } : {};
  const answer = await sendToStore({
    method: "GET",
    url: request.url,
    headers: { "accept-encoding": "identity", ...request.headers, ...rest },
    connections,
    signal,
  });
  if (answer.status === 404) {
    await answer.body.dump();
    return { kind: "missing" };
  }
  if (goesOn && (answer.status === 412 || answer.status === 416)) {
    await answer.body.dump();
    beginAnew(part);
    throw new CacheTransferError("the archive was replaced while it was downloaded", { retryable: true });
  }
  if (answer.status !== 200 && answer.status !== 206) throw await refusalOf(answer, request.url);
  const modified = modifiedOf(answer);
  if (part.bytes === 0 && (await isAsYoung(file, modified))) {
    answer.body.on("error", () => {}).destroy();
    report.info(`${path.basename(file)} is up to date`);
    return { kind: "up-to-date" };
  }
  const { etag } = answer.headers;
  report.info(`Downloading cache from ${withoutSignature(request.url)}`, etag === undefined ? {} : { etag });
  await receive(answer, part, { signal, onBytes, url: request.url });
  await utimes(part.file, new Date(), modified ?? new Date());
  await rename(part.file, file);
  await writeMetadata(path.dirname(file), answer.headers);
  return { kind: "downloaded", bytes: part.bytes };
}

function modifiedOf({ headers }: StoreAnswer): Date | undefined {
  const ms = Date.parse(headers["last-modified"] ?? "");
  return Number.isNaN(ms) ? undefined : new Date(ms);
}

async function isAsYoung(file: string, modified: Date | undefined): Promise<boolean> {
  const existing = await stat(file).catch(() => undefined);
  return existing !== undefined && modified !== undefined && existing.mtimeMs >= modified.getTime();
}

/** Adds the answer to what is there, and checks that this is now all of it. */
async function receive(answer: StoreAnswer, part: Part, around: Try & { readonly url: string }): Promise<void> {
  const isRest = answer.status === 206 && rangeStart(answer) === part.bytes;
  if (!isRest) beginAnew(part);
  const { etag } = answer.headers;
  // A weak one (`W/"…"`) promises no equal bytes.
  if (etag?.startsWith('"') === true) part.etag = etag;
  const handle = await open(part.file, isRest ? "a" : "w", 0o600);
  try {
    for await (const chunk of incoming(answer, around.url)) {
      await handle.writeFile(chunk);
      part.bytes += chunk.length;
      part.hash?.update(chunk);
      around.onBytes(chunk.length);
    }
  } finally {
    await handle.close();
  }
  const trouble = whatIsWrong(answer, part, around.url);
  if (trouble === undefined) return;
  beginAnew(part);
  throw new CacheTransferError(trouble, { retryable: true });
}

async function* incoming({ body }: StoreAnswer, url: string): AsyncGenerator<Buffer> {
  try {
    yield* body as AsyncIterable<Buffer>;
  } catch (cause) {
    const message = `GET ${withoutSignature(url)}: ${connectionTrouble(cause)}`;
    throw new CacheTransferError(message, { retryable: true, cause });
  }
}

function whatIsWrong(answer: StoreAnswer, part: Part, url: string): string | undefined {
  const total = totalBytes(answer);
  if (total !== undefined && part.bytes !== total) return `the archive came with ${part.bytes} of ${total} bytes`;
  const expected = contentDigest(answer.headers, url);
  if (expected === undefined || part.hash === undefined || part.hash.copy().digest("hex") === expected.md5)
    return undefined;
  return `the archive does not match the store's ${expected.source}`;
}

function rangeStart({ headers }: StoreAnswer): number | undefined {
  const start = /^bytes (\d+)-/.exec(headers["content-range"] ?? "")?.[1];
  return start === undefined ? undefined : Number(start);
}

function totalBytes({ status, headers }: StoreAnswer): number | undefined {
  const text = status === 206 ? /\/(\d+)$/.exec(headers["content-range"] ?? "")?.[1] : headers["content-length"];
  return text === undefined || text === "" ? undefined : Number(text);
}

/** The object's own metadata, beside the archive as where it was made. Rule: runner-protocol.md §3.7. */
async function writeMetadata(directory: string, headers: StoreAnswer["headers"]): Promise<void> {
  const found = Object.entries(headers).flatMap(([name, value]) => {
    const key = /^x-(?:amz|goog|ms)-meta-(.+)$/.exec(name)?.[1];
    return key === undefined ? [] : [[key, decode(value)]];
  });
  await writeFile(path.join(directory, "metadata.json"), JSON.stringify(Object.fromEntries(found)));
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
