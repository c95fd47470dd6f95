import { STATUS_CODES } from "node:http";
import { Readable } from "node:stream";
import { type Dispatcher, request } from "undici";
import { CacheTransferError } from "./transfer-error.ts";

export interface StoreRequest {
  readonly method: "GET" | "PUT";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: AsyncIterable<Uint8Array> | string;
  readonly connections: Dispatcher;
  readonly signal: AbortSignal;
}

export interface StoreAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Dispatcher.ResponseData["body"];
}

/**
 * Sends one signed request. Redirects are not followed: a signature is good for one address.
 *
 * @throws {CacheTransferError} when no answer came; another try may help.
 */
export async function sendToStore(question: StoreRequest): Promise<StoreAnswer> {
  const { method, url, headers, body, connections: dispatcher, signal } = question;
  try {
    const answer = await request(url, { method, headers, body: bodyOf(body), dispatcher, signal });
    return { status: answer.statusCode, headers: flatHeaders(answer.headers), body: answer.body };
  } catch (cause) {
    const message = `${method} ${withoutSignature(url)}: ${connectionTrouble(cause)}`;
    throw new CacheTransferError(message, { retryable: true, cause });
  }
}

function bodyOf(body: StoreRequest["body"]): string | Readable | null {
  return body === undefined || typeof body === "string" ? (body ?? null) : Readable.from(body, { objectMode: false });
}

/** The address as people may see it: no query, no user. */
export function withoutSignature(address: string): string {
  const url = new URL(address);
  return `${url.origin}${url.pathname}`;
}

function flatHeaders(headers: Dispatcher.ResponseData["headers"]): Record<string, string> {
  const flat = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), [value ?? ""].flat().join(", ")]);
  return Object.fromEntries(flat);
}

/** In words; the error of a connection knows its address and port, but nothing of the request. */
export function connectionTrouble(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const inner = cause.cause instanceof Error ? cause.cause : undefined;
  const errors = cause instanceof AggregateError ? cause.errors : [];
  const first: unknown = errors[0];
  return cause.message || inner?.message || (first instanceof Error ? first.message : cause.name);
}

/** An answer that says no has a few hundred bytes. */
const maxErrorBytes = 64 * 1024;

/** What an answer other than 2xx means: 5xx and "too many" may go through later. Rule: runner-protocol.md §3.7. */
export async function refusalOf({ status, headers, body }: StoreAnswer, url: string): Promise<CacheTransferError> {
  const reason = storeReason(await readSome(body));
  const parts = [
    `received: ${status} ${STATUS_CODES[status] ?? ""}`.trimEnd(),
    ...(reason === undefined ? [] : [`Request failed with ${reason}`]),
  ];
  const text = `${parts.join(". ")}${clockTrouble(headers["date"])}`;
  const retryable = status >= 500 || status === 429 || status === 408;
  return new CacheTransferError(withoutSecrets(text, url), { retryable, status });
}

async function readSome(body: StoreAnswer["body"]): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      size += chunk.length;
      chunks.push(chunk);
      if (size >= maxErrorBytes) break;
    }
  } catch {
    // The status says enough.
  }
  return Buffer.concat(chunks).toString();
}

/** All three stores answer with the same two elements. Wording: GitLab's helper. */
function storeReason(xml: string): string | undefined {
  const read = (name: string) => {
    const text = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
    // Azure goes on with the request's id and the time, each on its line.
    return text === undefined ? undefined : unescapeXml(text).split("\n", 1)[0]?.trim();
  };
  const [code, message] = [read("Code"), read("Message")];
  if (!code && !message) return undefined;
  return [...(code ? [`code: ${code}`] : []), ...(message ? [`message: ${message}`] : [])].join(", ");
}

const entities: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

function unescapeXml(text: string): string {
  return text.replace(/&(lt|gt|quot|apos|amp|#39|#34);/g, (_, name: string) => {
    return entities[name] ?? (name === "#39" ? "'" : '"');
  });
}

const tolerableSkewMs = 5 * 60_000;

/** A signature holds the time it was made: stores refuse it when their clock says otherwise. */
function clockTrouble(date: string | undefined): string {
  const skewMs = Math.abs(Date.now() - Date.parse(date ?? ""));
  if (!(skewMs > tolerableSkewMs)) return "";
  return ` (the clocks of the store and of this machine differ by ${Math.round(skewMs / 60_000)} min)`;
}

/** A store may quote what it was sent. */
function withoutSecrets(text: string, address: string): string {
  const values = [...new URL(address).searchParams.values()].filter((value) => value.length >= 20);
  return values.reduce((clean, value) => {
    return clean.replaceAll(value, "[MASKED]").replaceAll(encodeURIComponent(value), "[MASKED]");
  }, text);
}
