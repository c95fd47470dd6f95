import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { type Dispatcher, request } from "undici";
import { CoordinatorError, type CoordinatorOperation } from "../coordinator-error.ts";
import { apiBaseUrl, printableUrl } from "./api-address.ts";
import type { Connections } from "./connections.ts";
import { startDeadline } from "./deadline.ts";
import { decideRetry, isRetriableStatus, namedDelayMs } from "./retry-decision.ts";

/** One call of the runner API. */
export interface ApiCall {
  readonly operation: CoordinatorOperation;
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Relative to `/api/v4/`, without a query. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** In place of path and query: where a redirect leads. */
  readonly target?: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Makes the body; called once per attempt. */
  readonly body?: () => BodyBytes | Promise<BodyBytes>;
  readonly signal: AbortSignal;
  /** Default: ten minutes. */
  readonly headersTimeoutMs?: number;
  /** For the whole attempt. Default: one hour. */
  readonly timeoutMs?: number;
}

type BodyBytes = string | Uint8Array | AsyncIterable<Uint8Array>;

/** An answer with its whole body. */
export interface ApiAnswer {
  readonly status: number;
  readonly headers: Dispatcher.ResponseData["headers"];
  readonly body: string;
  /** Whether it took more than one attempt: the coordinator is under pressure. */
  readonly repeated: boolean;
  /** Names the call in the coordinator's logs: its own id if it sent one, else ours. */
  readonly requestId: string;
}

/** What became of one attempt; for metrics. `status` is 0 when no answer came. */
export interface ApiAttempt {
  readonly operation: CoordinatorOperation;
  readonly method: string;
  readonly status: number;
  readonly durationMs: number;
}

export interface ApiOptions {
  readonly url: string;
  readonly connections: Connections;
  readonly userAgent: string;
  readonly onAttempt?: ((attempt: ApiAttempt) => void) | undefined;
}

/** Longest answer read into memory; a job payload is some ten to hundred KiB. */
const maxAnswerBytes = 64 * 1024 * 1024;

/** Sends calls to one coordinator. Rule: runner-protocol.md §1.1 and §1.3. */
export class Api {
  readonly baseUrl: URL;
  readonly #options: ApiOptions;

  constructor(options: ApiOptions) {
    this.#options = options;
    this.baseUrl = apiBaseUrl(options.url);
  }

  /** See {@link Connections.certificateChain}. */
  get certificateChain(): string | undefined {
    return this.#options.connections.certificateChain;
  }

  /**
   * Sends a call, repeating it as §1.3 says, and reads its answer.
   *
   * @throws {CoordinatorError} when no answer came. @throws the signal's reason when it was aborted.
   */
  async call(call: ApiCall): Promise<ApiAnswer> {
    for (let attemptsMade = 1; ; attemptsMade += 1) {
      const answer = await this.#attempt(call);
      const decision = decideRetry({
        status: answer.status,
        rateLimitResetTime: headerOf(answer, "ratelimit-resettime"),
        retryAfter: headerOf(answer, "retry-after"),
        attemptsMade,
        nowMs: Date.now(),
        random: Math.random(),
      });
      if (decision.kind === "final") return { ...answer, repeated: attemptsMade > 1 };
      await delay(decision.afterMs, undefined, { signal: call.signal }).catch(() => call.signal.throwIfAborted());
    }
  }

  /**
   * Sends a call once and leaves its answer's body unread: the caller must consume or destroy it.
   *
   * @param target an address that overrides `path`, for a redirect.
   */
  async open(call: ApiCall, signal: AbortSignal, target?: URL): Promise<Dispatcher.ResponseData> {
    const startedMs = performance.now();
    let status = 0;
    try {
      const address = target ?? this.#target(call);
      const answer = await request(address, {
        dispatcher: this.#options.connections.current(address),
        method: call.method,
        headers: {
          "user-agent": this.#options.userAgent,
          "x-request-id": newRequestId(),
          ...call.headers,
        },
        body: ((await call.body?.()) ?? null) as string | Buffer | null,
        headersTimeout: call.headersTimeoutMs ?? 600_000,
        signal,
      });
      status = answer.statusCode;
      return answer;
    } catch (error) {
      throw this.#failure(call, error);
    } finally {
      const durationMs = performance.now() - startedMs;
      this.#options.onAttempt?.({ operation: call.operation, method: call.method, status, durationMs });
    }
  }

  /** The error for an answer that the call's protocol has no place for. */
  unexpected(call: ApiCall, answer: Pick<ApiAnswer, "status" | "headers" | "body">): CoordinatorError {
    const said = remoteMessage(answer);
    const text = `could not ${call.operation} at ${printableUrl(this.#target(call))}: status ${answer.status}`;
    return new CoordinatorError(said === "" ? text : `${text} (${said})`, {
      operation: call.operation,
      status: answer.status,
      retryable: isRetriableStatus(answer.status),
      retryAfterMs: namedDelayMs({
        rateLimitResetTime: headerOf(answer, "ratelimit-resettime"),
        retryAfter: headerOf(answer, "retry-after"),
        nowMs: Date.now(),
      }),
    });
  }

  async #attempt(call: ApiCall): Promise<Omit<ApiAnswer, "repeated">> {
    using deadline = startDeadline(call.signal, call.timeoutMs ?? 3_600_000);
    const ownId = newRequestId();
    const answer = await this.open({ ...call, headers: { ...call.headers, "x-request-id": ownId } }, deadline.signal);
    try {
      const body = await readText(answer.body);
      const requestId = headerOf(answer, "x-request-id") ?? ownId;
      return { status: answer.statusCode, headers: answer.headers, body, requestId };
    } catch (error) {
      throw this.#failure(call, error);
    }
  }

  #target(call: ApiCall): URL {
    if (call.target !== undefined) return call.target;
    const target = new URL(call.path, this.baseUrl);
    for (const [name, value] of Object.entries(call.query ?? {})) target.searchParams.set(name, value);
    return target;
  }

  #failure(call: ApiCall, cause: unknown): unknown {
    if (call.signal.aborted) return call.signal.reason;
    if (cause instanceof CoordinatorError) return cause;
    const why = cause instanceof Error ? describeTransportError(cause) : String(cause);
    return new CoordinatorError(`could not ${call.operation} at ${printableUrl(this.#target(call))}: ${why}`, {
      operation: call.operation,
      retryable: true,
      cause,
    });
  }
}

/** A header's value, the first one when it was sent several times. Names are lower-case. */
export function headerOf(answer: { headers: Dispatcher.ResponseData["headers"] }, name: string): string | undefined {
  const value = answer.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** Whether the body may be read as JSON: exactly `application/json`, parameters aside (runner-protocol.md §1.1). */
export function isJson(answer: { headers: Dispatcher.ResponseData["headers"] }): boolean {
  return headerOf(answer, "content-type")?.split(";")[0]?.trim().toLowerCase() === "application/json";
}

/** 32 lower-case hex digits: a UUID without its dashes. */
function newRequestId(): string {
  return randomUUID().replaceAll("-", "");
}

async function readText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let byteLength = 0;
  for await (const chunk of body) {
    byteLength += chunk.length;
    if (byteLength > maxAnswerBytes) throw new Error(`the answer is longer than ${maxAnswerBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** `message` of a JSON error body: a text, or an object of arrays of texts (runner-protocol.md §1.1). */
function remoteMessage(answer: Pick<ApiAnswer, "headers" | "body">): string {
  if (!isJson(answer)) return "";
  try {
    const parsed: unknown = JSON.parse(answer.body);
    const message = typeof parsed === "object" && parsed !== null && "message" in parsed ? parsed.message : "";
    const said = typeof message === "string" ? message : JSON.stringify(message);
    return said.replaceAll(/\s+/g, " ").slice(0, 300);
  } catch {
    return ""; // A body that only claims to be JSON says nothing; the status already tells what happened.
  }
}

function describeTransportError(error: Error): string {
  const code = "code" in error && typeof error.code === "string" ? error.code : error.name;
  return error.message === "" ? code : error.message.includes(code) ? error.message : `${error.message} (${code})`;
}
