import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { SignedUpload } from "../signed-request.ts";
import { defaultFirstPauseMs, type TransferOptions, withRetries } from "./archive-transfer.ts";
import { createContentHash } from "./content-digest.ts";
import { refusalOf, sendToStore, withoutSignature } from "./store-request.ts";

export interface ArchiveUpload extends TransferOptions {
  readonly request: SignedUpload;
  readonly file: string;
}

/**
 * Brings an archive to its store, again where that may help. The store is told length and digest, and refuses what does not
 * come whole.
 *
 * @throws {CacheTransferError} when it was refused or did not go through.
 *
 * Rule: runner-protocol.md §3.7.
 */
export async function uploadArchive(upload: ArchiveUpload): Promise<{ readonly bytes: number }> {
  const { request, file, report } = upload;
  const { size, mtime } = await stat(file);
  let networkBytes = 0;
  let retries = 0;
  const progress = (count: number) => {
    networkBytes += count;
    upload.onProgress({ networkBytes, retries });
  };

  /** One request with its own retries. */
  const send = (part: Part, say: () => void) =>
    withRetries(upload, async (attempt, signal) => {
      if (attempt > 0) retries += 1;
      progress(0);
      say();
      await putPart(upload, part, { signal, onBytes: progress, isAgain: attempt > 0 });
    });

  const announce = () => {
    report.info("Using presigned URL for cache upload");
    report.info(`Uploading ${path.basename(file)} to ${withoutSignature(request.url)}`);
  };
  const common = { "content-type": "application/octet-stream", "last-modified": mtime.toUTCString() };
  const { blockBytes } = request;
  if (blockBytes === undefined || size <= blockBytes) {
    await send({ url: request.url, headers: { ...common, ...request.headers }, range: { start: 0, size } }, announce);
    return { bytes: size };
  }
  announce();
  await sendInBlocks({ request, size, blockBytes }, (part) => send(part, () => {}));
  return { bytes: size };
}

interface Part {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Of the file; or a text of its own. */
  readonly range: { readonly start: number; readonly size: number } | string;
}

/** Source: Azure Storage REST reference, "Put Block" and "Put Block List". */
async function sendInBlocks(
  { request, size, blockBytes }: { readonly request: SignedUpload; readonly size: number; readonly blockBytes: number },
  send: (part: Part) => Promise<void>,
): Promise<void> {
  const { "x-ms-blob-type": _, "x-ms-meta-cachekey": cacheKey, ...headers } = request.headers;
  const ids: string[] = [];
  for (let start = 0; start < size; start += blockBytes) {
    const id = Buffer.from(String(ids.length).padStart(8, "0")).toString("base64");
    ids.push(id);
    const url = `${request.url}&comp=block&blockid=${encodeURIComponent(id)}`;
    await send({ url, headers, range: { start, size: Math.min(blockBytes, size - start) } });
  }
  const list = ids.map((id) => `<Latest>${id}</Latest>`).join("");
  await send({
    url: `${request.url}&comp=blocklist`,
    headers: {
      ...headers,
      "content-type": "application/xml",
      "x-ms-blob-content-type": "application/octet-stream",
      ...(cacheKey === undefined ? {} : { "x-ms-meta-cachekey": cacheKey }),
    },
    range: `<?xml version="1.0" encoding="utf-8"?><BlockList>${list}</BlockList>`,
  });
}

interface Try {
  readonly signal: AbortSignal;
  readonly onBytes: (count: number) => void;
  /**
   * Whether it was tried before. A store that refuses what it has seen of a request answers and closes while the rest is
   * on its way, and the answer may be lost with the connection. The next try holds the rest back for a moment.
   */
  readonly isAgain: boolean;
}

/** So little that a store has read it with the header: what is unread when it closes would take the answer along. */
const foretasteBytes = 512;

async function putPart(
  { file, connections, firstPauseMs = defaultFirstPauseMs }: ArchiveUpload,
  { url, headers, range }: Part,
  { signal, onBytes, isAgain }: Try,
): Promise<void> {
  if (typeof range === "string") {
    const answer = await sendToStore({ method: "PUT", url, headers, body: range, connections, signal });
    if (answer.status >= 300) throw await refusalOf(answer, url);
    await answer.body.dump();
    return;
  }
  const open = () => createReadStream(file, { start: range.start, end: Math.max(0, range.start + range.size - 1) });
  const hash = createContentHash();
  if (hash !== undefined) await pipeline(open(), hash, { signal });
  const digest = hash === undefined ? {} : { "content-md5": hash.digest("base64") };
  async function* counted() {
    let holdsBack = isAgain;
    for await (const chunk of open() as AsyncIterable<Buffer>) {
      onBytes(chunk.length);
      if (holdsBack && chunk.length > foretasteBytes) {
        holdsBack = false;
        yield chunk.subarray(0, foretasteBytes);
        await delay(firstPauseMs, undefined, { signal });
        yield chunk.subarray(foretasteBytes);
      } else yield chunk;
    }
  }
  const answer = await sendToStore({
    method: "PUT",
    url,
    headers: { ...headers, "content-length": String(range.size), ...digest },
    body: counted(),
    connections,
    signal,
  });
  if (answer.status >= 300) throw await refusalOf(answer, url);
  await answer.body.dump();
}
