/** `Internal`, `Server`, …: OpenTelemetry's span kinds as the store spells them (telemetry.md §7). */
export type SpanKindWord = "Unspecified" | "Internal" | "Server" | "Client" | "Producer" | "Consumer";

/** OpenTelemetry's span status as the store spells it (telemetry.md §7). */
export type SpanStatusWord = "Unset" | "Ok" | "Error";

/** Attribute values as they are stored: strings, whatever they were on the wire (telemetry.md §7). */
export type StoredAttributes = Readonly<Record<string, string>>;

/** One event of a stored span. */
export interface StoredSpanEvent {
  readonly timeUnixNano: bigint;
  readonly name: string;
  readonly attributes: StoredAttributes;
}

/** One link of a stored span to another. */
export interface StoredSpanLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceState: string;
  readonly attributes: StoredAttributes;
}

/** A span as it was read back from the store; times are nanoseconds since the Unix epoch. */
export interface StoredSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Undefined for a root. The parent itself need not be stored: GitLab's own spans may go elsewhere. */
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly kind: SpanKindWord;
  readonly serviceName: string;
  readonly startUnixNano: bigint;
  readonly durationNano: bigint;
  readonly status: SpanStatusWord;
  readonly statusMessage: string;
  readonly attributes: StoredAttributes;
  readonly resourceAttributes: StoredAttributes;
  readonly scopeName: string;
  readonly scopeVersion: string;
  readonly events: readonly StoredSpanEvent[];
  readonly links: readonly StoredSpanLink[];
}

/** Spans of one trace, each once, ordered by their start. */
export interface StoredTrace {
  readonly traceId: string;
  readonly spans: readonly StoredSpan[];
  /** True when the trace holds more spans than one answer carries; the earliest ones are here. */
  readonly truncated: boolean;
}

/** GitLab's word for how a job ended, or `running` while its `job_execution` span has not arrived. */
export type StoredJobState = "running" | "success" | "failed" | "canceled";

/** What the store knows of one job's latest attempt. Unknown texts are empty strings, unknown numbers are undefined. */
export interface JobSummary {
  readonly jobId: string;
  readonly traceId: string;
  readonly name: string;
  readonly pipelineStage: string;
  readonly state: StoredJobState;
  /** GitLab's failure reason (`script_failure`, …); empty unless the job failed. */
  readonly failureReason: string;
  readonly projectId: string;
  readonly projectPath: string;
  readonly pipelineId: string;
  readonly pipelineSource: string;
  readonly ref: string;
  readonly runnerId: string;
  readonly startUnixNano: bigint;
  /** Of the job, or from its first to its last stored span while it runs. */
  readonly durationNano: bigint;
  readonly queuedDurationS: number | undefined;
  readonly exitCode: number | undefined;
  /** True when a failure of this job does not fail its pipeline. */
  readonly allowFailure: boolean;
}

/** What the store knows of one pipeline, put together from its jobs. */
export interface PipelineSummary {
  readonly pipelineId: string;
  readonly traceId: string;
  readonly projectId: string;
  readonly projectPath: string;
  readonly pipelineSource: string;
  readonly ref: string;
  /** `failed` when a job failed whose failure is not allowed; `running` while a job is. */
  readonly state: StoredJobState;
  readonly jobs: number;
  readonly failedJobs: number;
  readonly startUnixNano: bigint;
  /** From the first job's start to the last one's end. */
  readonly durationNano: bigint;
}

/** Narrows a list. Every filter must hold; lists come latest first. */
export interface ListFilter {
  /** At most this many entries, 1 to 1000. Default 50. */
  readonly limit?: number;
  readonly projectId?: string;
  readonly pipelineId?: string;
}

/** The answer to a query, in the bytes of its format. */
export interface SqlAnswer {
  readonly body: Uint8Array;
}

/** Options of {@link TraceReader.sql}. */
export interface SqlOptions {
  /** A ClickHouse output format, used unless the query names its own with `FORMAT`. Default `PrettyCompact`. */
  readonly format?: string;
  readonly signal?: AbortSignal;
}

/**
 * Reads what is stored. Two implementations: over the query API of a running collector (`createCollectorClient`), and
 * straight from a data directory (`openStoreReadOnly`).
 */
export interface TraceReader extends AsyncDisposable {
  /** All spans of one trace, or undefined when none is stored. `traceId`: 32 hex digits. */
  getTrace(traceId: string, options?: { signal?: AbortSignal }): Promise<StoredTrace | undefined>;
  /**
   * The spans of one job in the latest trace that holds it: those that carry the job's id, and all below them (tools in
   * the job's scripts know no job id). Undefined when none is stored.
   */
  getJobTrace(jobId: string, options?: { signal?: AbortSignal }): Promise<StoredTrace | undefined>;
  listJobs(filter?: ListFilter & { signal?: AbortSignal }): Promise<readonly JobSummary[]>;
  listPipelines(filter?: ListFilter & { signal?: AbortSignal }): Promise<readonly PipelineSummary[]>;
  /**
   * Runs one query that only reads. Whatever would write, reach files or the network, or change settings is refused;
   * time, memory and the size of the answer are bounded.
   */
  sql(query: string, options?: SqlOptions): Promise<SqlAnswer>;
}
