import { z } from "zod";
import { jobSummarySchema, pipelineSummarySchema, storedTraceSchema } from "./query/stored-rows.ts";
import type { ListFilter, TraceReader } from "./stored-trace.ts";

/** Options of {@link createCollectorClient}. */
export interface CollectorClientOptions {
  /** Base URL of the query API (`http://127.0.0.1:4320`). */
  readonly apiUrl: string;
  /** Token that the query API asks for (`apiTokenFile` of the collector). Default: none. */
  readonly token?: string;
  /** How long one request may take. Default 35,000 ms: a query's own limit and a little more. */
  readonly timeoutMs?: number;
}

/** Why the query API gave no answer. */
export type CollectorApiErrorCode =
  | "unreachable"
  | "timeout"
  | "bad-request"
  | "read-only"
  | "busy"
  | "unauthenticated"
  | "failed";

/** A request to the query API failed; the message names the URL and what the collector said. */
export class CollectorApiError extends Error {
  override readonly name = "CollectorApiError";
  readonly code: CollectorApiErrorCode;

  constructor(message: string, options: ErrorOptions & { code: CollectorApiErrorCode }) {
    super(message, options);
    const { code } = options;
    this.code = code;
  }
}

/**
 * Asks a running collector through its query API.
 *
 * Its methods throw {@link CollectorApiError}; "not stored" is `undefined`, not an error. A caller's own abort is thrown
 * as its reason. There is nothing to dispose of.
 */
export function createCollectorClient({ apiUrl, token, timeoutMs = 35_000 }: CollectorClientOptions): TraceReader {
  const base = apiUrl.replace(/\/+$/, "");
  const authorization: Record<string, string> = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const get = <T>(path: string, schema: z.ZodType<T>, signal: AbortSignal | undefined): Promise<T | undefined> =>
    ask(`${base}${path}`, { method: "GET", headers: authorization }, schema, { timeoutMs, signal });
  return {
    getTrace: (traceId, options) =>
      get(`/api/traces/${encodeURIComponent(traceId)}`, storedTraceSchema, options?.signal),
    getJobTrace: (jobId, options) =>
      get(`/api/jobs/${encodeURIComponent(jobId)}/trace`, storedTraceSchema, options?.signal),
    async listJobs(filter = {}) {
      const schema = z.object({ jobs: jobSummarySchema.array() });
      return (await get(`/api/jobs?${searchOf(filter)}`, schema, filter.signal))?.jobs ?? [];
    },
    async listPipelines(filter = {}) {
      const schema = z.object({ pipelines: pipelineSummarySchema.array() });
      return (await get(`/api/pipelines?${searchOf(filter)}`, schema, filter.signal))?.pipelines ?? [];
    },
    async sql(query, { format, signal } = {}) {
      const init = {
        method: "POST",
        headers: { ...authorization, "Content-Type": "application/json" },
        body: JSON.stringify({ query, format }),
      };
      const response = await send(`${base}/api/sql`, init, { timeoutMs, signal });
      if (!response.ok) throw await errorOf(response);
      return { body: new Uint8Array(await response.arrayBuffer()) };
    },
    async [Symbol.asyncDispose]() {},
  };
}

interface Patience {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

async function ask<T>(
  url: string,
  init: RequestInit,
  schema: z.ZodType<T>,
  patience: Patience,
): Promise<T | undefined> {
  const response = await send(url, init, patience);
  if (response.status === 404 && response.headers.get("Content-Type")?.startsWith("application/json")) {
    await response.body?.cancel();
    return undefined;
  }
  if (!response.ok) throw await errorOf(response);
  const parsed = schema.safeParse(await response.json().catch(() => undefined));
  if (parsed.success) return parsed.data;
  throw new CollectorApiError(`${url}: the answer is not a collector's`, { code: "failed", cause: parsed.error });
}

async function send(url: string, init: RequestInit, { timeoutMs, signal }: Patience): Promise<Response> {
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    return await fetch(url, { ...init, signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]) });
  } catch (cause) {
    signal?.throwIfAborted();
    if (timeout.aborted)
      throw new CollectorApiError(`${url}: no answer within ${timeoutMs} ms`, { code: "timeout", cause });
    const why = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause);
    throw new CollectorApiError(`${url}: no collector answers there (${why})`, { code: "unreachable", cause });
  }
}

const codeByStatus: Readonly<Record<number, CollectorApiErrorCode>> = {
  400: "bad-request",
  401: "unauthenticated",
  403: "read-only",
  413: "bad-request",
  429: "busy",
  503: "busy",
};

async function errorOf(response: Response): Promise<CollectorApiError> {
  const said = z.object({ message: z.string() }).safeParse(await response.json().catch(() => undefined));
  const message = said.success ? said.data.message : `the collector answered ${response.status}`;
  return new CollectorApiError(message, { code: codeByStatus[response.status] ?? "failed" });
}

function searchOf({ limit, projectId, pipelineId }: ListFilter): string {
  const search = new URLSearchParams();
  if (limit !== undefined) search.set("limit", String(limit));
  if (projectId !== undefined) search.set("projectId", projectId);
  if (pipelineId !== undefined) search.set("pipelineId", pipelineId);
  return search.toString();
}
