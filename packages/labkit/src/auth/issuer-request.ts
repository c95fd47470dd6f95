import { ProxyAgent, request } from "undici";
import { environmentProxyFor } from "./environment-proxy.ts";
import type { IssuedToken } from "./fetched-token.ts";
import { isLoopback } from "./loopback.ts";
import { TokenSourceError } from "./token-source.ts";

/** A token answer is a few kilobytes. */
const maxAnswerBytes = 256 * 1_024;

export interface IssuerRequest {
  readonly url: string;
  readonly method: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as a form. */
  readonly form?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: Readonly<Record<string, unknown>>;
  readonly signal: AbortSignal;
  /** Metadata servers are plain HTTP on a link-local address, without a proxy; secrets go to others over TLS or loopback only. */
  readonly isMetadataServer?: boolean;
  /** Whose proxy variables count. Default: no proxy. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/**
 * Asks an issuer and reads its JSON answer. Redirects are not followed: a secret must not travel.
 *
 * @throws {TokenSourceError} the message names the issuer and the status, never the answer.
 */
export async function askIssuer(question: IssuerRequest): Promise<Readonly<Record<string, unknown>>> {
  const url = new URL(question.url);
  if (url.protocol !== "https:" && !isLoopback(url) && question.isMetadataServer !== true) {
    throw new TokenSourceError(`credentials for ${url.origin} would travel without TLS`, { code: "malformed" });
  }
  const body = bodyOf(question);
  const proxyUrl = question.isMetadataServer === true ? undefined : environmentProxyFor(url.href, question.env ?? {});
  // Tokens are asked for now and then: a connection of its own for each is let go with it.
  await using proxy = proxyUrl === undefined ? undefined : disposableProxy(proxyUrl);
  const response = await request(url, {
    ...(proxy === undefined ? {} : { dispatcher: proxy }),
    method: question.method,
    headers: { accept: "application/json", ...body?.type, ...question.headers },
    body: body?.text ?? null,
    signal: question.signal,
  });
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response.body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxAnswerBytes) throw new TokenSourceError(`${url.origin} answered too much`, { code: "unavailable" });
    chunks.push(chunk);
  }
  if (response.statusCode !== 200) {
    throw new TokenSourceError(`${url.origin}${url.pathname} answered HTTP status ${response.statusCode}`, {
      code: "unavailable",
    });
  }
  return parseObject(Buffer.concat(chunks).toString(), url);
}

function disposableProxy(url: string): ProxyAgent & AsyncDisposable {
  const agent = new ProxyAgent(url);
  return Object.assign(agent, { [Symbol.asyncDispose]: () => agent.destroy() });
}

function bodyOf({ form, json }: IssuerRequest): { text: string; type: Record<string, string> } | undefined {
  if (json !== undefined) return { text: JSON.stringify(json), type: { "content-type": "application/json" } };
  if (form === undefined) return undefined;
  return {
    text: new URLSearchParams(form).toString(),
    type: { "content-type": "application/x-www-form-urlencoded" },
  };
}

function parseObject(text: string, url: URL): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch {
    // Said below, without an excerpt: the answer may hold a token.
  }
  throw new TokenSourceError(`${url.origin}${url.pathname} did not answer with a JSON object`, { code: "unavailable" });
}

/**
 * Reads `access_token` and `expires_in` (seconds, RFC 6749 §5.1), as a number or, as Azure's metadata server has it, a
 * string. Without an expiry, five minutes.
 *
 * @throws {TokenSourceError} when there is no token.
 */
export function readTokenAnswer(answer: Readonly<Record<string, unknown>>, issuer: string, nowMs: number): IssuedToken {
  const token = answer["access_token"];
  if (typeof token !== "string")
    throw new TokenSourceError(`${issuer} answered without a token`, { code: "unavailable" });
  const expiresInS = Number(answer["expires_in"] ?? Number.NaN);
  return { token, expiresAtMs: nowMs + (Number.isFinite(expiresInS) ? expiresInS : 300) * 1_000 };
}
