import type { TraceReader } from "./stored-trace.ts";

export type {
  JobSummary,
  ListFilter,
  PipelineSummary,
  SpanKindWord,
  SpanStatusWord,
  SqlAnswer,
  SqlOptions,
  StoredAttributes,
  StoredJobState,
  StoredSpan,
  StoredSpanEvent,
  StoredSpanLink,
  StoredTrace,
  TraceReader,
} from "./stored-trace.ts";

/** Options of {@link createCollectorClient}. */
export interface CollectorClientOptions {
  /** Base URL of the query API (`http://127.0.0.1:4320`). */
  readonly apiUrl: string;
  /** How long one request may take. Default 35,000 ms: a query's own limit and a little more. */
  readonly timeoutMs?: number;
}

/**
 * Asks a running collector through its query API.
 *
 * Its methods throw {@link CollectorApiError}; "not stored" is `undefined`, not an error.
 */
export function createCollectorClient(options: CollectorClientOptions): TraceReader {
  throw new Error(`not built yet: ${options.apiUrl}`);
}

/** Why the query API gave no answer. */
export type CollectorApiErrorCode = "unreachable" | "timeout" | "bad-request" | "read-only" | "busy" | "failed";

/** A request to the query API failed; the message names the URL and what the collector said. */
export class CollectorApiError extends Error {
  override readonly name = "CollectorApiError";
  readonly code: CollectorApiErrorCode;

  constructor(code: CollectorApiErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** What `collector.json` in a data directory tells other processes. */
export interface RunningCollector {
  readonly pid: number;
  readonly apiUrl: string | undefined;
  readonly otlpHttpUrl: string | undefined;
  readonly otlpGrpcUrl: string | undefined;
  /** ISO 8601. */
  readonly startedAt: string;
}

/**
 * The collector that holds a data directory, or undefined when none does: no `collector.json`, or its process is gone.
 */
export async function findRunningCollector(dataDir: string): Promise<RunningCollector | undefined> {
  throw new Error(`not built yet: ${dataDir}`);
}
