import type { SpanAttributes } from "../attributes.ts";
import type { UnixNano } from "../clock.ts";
import type { LogSectionEvent } from "../log-sections/log-section-event.ts";

/**
 * The spans of one job execution: `job_execution` and all below it. Made by `startJobTrace`; `untracedJobTrace` does
 * nothing with the same interface, so that a runner has no "if traced".
 *
 * No method throws, whatever it is given and in whatever order; what comes after `end` is ignored. Methods are
 * synchronous and take microseconds: spans are handed to the span processors, which export them.
 */
export interface JobTrace {
  /** 32 hex digits; undefined when the job is not traced. */
  readonly traceId: string | undefined;
  /** Of `job_execution`, 16 hex digits; undefined when the job is not traced. */
  readonly spanId: string | undefined;
  /** Adds attributes to `job_execution`. */
  setAttributes(attributes: SpanAttributes): void;
  /** Secrets learnt while the job runs: no span shows them from now on. What was sent before stays (telemetry.md §5). */
  addSecrets(phrases: readonly string[]): void;
  /**
   * Opens the span of a build stage, of one attempt at it, or of one of several alike (a cache entry, an image).
   * A `pull_image` gets a link to the `prepare_executor` in whose time it happens (telemetry.md §2).
   */
  startStage(options: StageOptions): StageSpan;
  /** Opens the span of a CI Function that is a step of the job: a sibling of the stage spans. */
  startFunction(options: FunctionOptions): FunctionSpan;
  /**
   * Ends `job_execution`, closing first what is still open below it, children before parents: as failed or canceled
   * with the job, without a status after a success. Safe to call twice; the first verdict counts.
   */
  end(verdict: JobVerdict): void;
  /** What has become of this job's spans so far, for the runner's metrics. */
  stats(): JobTraceStats;
  /** Ends the job as `runner_system_failure` if nobody ended it: what a job is that was dropped half way. */
  [Symbol.dispose](): void;
}

/** A span that something can run in. */
export interface OpenSpan {
  /** 16 hex digits; undefined when there is no such span (not traced, or given up for the span limit). */
  readonly spanId: string | undefined;
  /** `00-<trace id>-<span id>-01` of this span, or of the nearest one above it that exists; undefined when not traced. */
  readonly traceparent: string | undefined;
  /**
   * `TRACEPARENT`, and `TRACESTATE` when set, for the processes that run in this span; empty when the job is not
   * traced. Variables of the job's own with those names win (telemetry.md §3): `{ ...span.environment, ...variables }`.
   */
  readonly environment: Readonly<Record<string, string>>;
  setAttributes(attributes: SpanAttributes): void;
}

/** The span of a build stage. */
export interface StageSpan extends OpenSpan {
  /** Opens the span of one script line. A no-op unless the policy has `commandSpans`. */
  startCommand(options: CommandOptions): LeafSpan;
  /** Opens a section span by hand. A no-op unless the policy has `sectionSpans`. */
  startSection(options: SectionOptions): LeafSpan;
  /**
   * Turns an event of the job's own log into a section span: a start opens one below the innermost open section, an
   * end closes the innermost of that name and what was opened inside it; an end without a start is ignored.
   */
  recordSection(event: LogSectionEvent): void;
  /** Opens a span of our own below the stage, `start_services` below `prepare_executor` for instance. */
  startChild(options: ChildOptions): StageSpan;
  /** Opens the span of a CI Function that this stage runs. */
  startFunction(options: FunctionOptions): FunctionSpan;
  /** Ends the span, closing first what is still open below it. Safe to call twice; the first outcome counts. */
  end(outcome: SpanOutcome): void;
}

/** The span of one invocation of a CI Function. */
export interface FunctionSpan extends OpenSpan {
  /** A function that this one runs. */
  startFunction(options: FunctionOptions): FunctionSpan;
  /** Opens a span of our own below the function: `fetch_function`, for instance. */
  startChild(options: ChildOptions): StageSpan;
  startCommand(options: CommandOptions): LeafSpan;
  recordSection(event: LogSectionEvent): void;
  end(outcome: SpanOutcome): void;
}

/** A span with nothing below it but more of its kind. */
export interface LeafSpan {
  readonly spanId: string | undefined;
  end(outcome?: SpanOutcome): void;
}

export interface StageOptions {
  /** The span's name, one of telemetry.md §2: `get_sources`, `step_script`, `archive_cache`, … */
  readonly name: string;
  /** The exact build stage, for `ci.stage.name`: `archive_cache_on_failure`, say. Default: `name`. */
  readonly stageName?: string | undefined;
  /** From 1. Default 1. */
  readonly attempt?: number | undefined;
  readonly attributes?: SpanAttributes | undefined;
  /** When it began, if that was before this call. Default: now. Kept within the parent's time. */
  readonly startedAt?: UnixNano | undefined;
}

export interface ChildOptions {
  readonly name: string;
  readonly attributes?: SpanAttributes | undefined;
  readonly startedAt?: UnixNano | undefined;
}

export interface CommandOptions {
  /** The script line; masked like everything else. */
  readonly text: string;
  /** Which line of the script, from 1. */
  readonly index?: number | undefined;
}

export interface SectionOptions {
  readonly name: string;
  /** The time that the marker names; used when the log brings it late. Default: now. */
  readonly unixSeconds?: number | undefined;
  readonly collapsed?: boolean | undefined;
}

export interface FunctionOptions {
  /** The step's name: the span's name. */
  readonly name: string;
  /** The reference as written, without version. */
  readonly functionName: string;
  /** Tag, revision or digest; empty for a local path. */
  readonly version: string;
  /** `undefined` while the definition is not read: `setAttributes({ "ci.function.type": … })` tells it later. */
  readonly type: "exec" | "run" | "builtin" | "script" | undefined;
  readonly attributes?: SpanAttributes | undefined;
  readonly startedAt?: UnixNano | undefined;
}

/** How a stage, a function or a command ended. */
export type SpanOutcome =
  | { readonly status: "success"; readonly exitCode?: number | undefined }
  | { readonly status: "skipped" }
  | { readonly status: "canceled"; readonly message?: string | undefined; readonly exitCode?: number | undefined }
  | {
      readonly status: "failed";
      readonly exitCode?: number | undefined;
      /** Low cardinality, for `error.type`: GitLab's failure reason. Default: of `error`, else `script_failure` after an exit code. */
      readonly errorType?: string | undefined;
      /** One line, for the span's status. Default: of `error`, else of the exit code. */
      readonly message?: string | undefined;
      /** An error of our own code: becomes an `exception` event. */
      readonly error?: Error | undefined;
    };

/** How the job ended. `failureReason` is GitLab's word (runner-protocol.md §2.7). */
export type JobVerdict =
  | { readonly status: "success"; readonly logBytes?: number | undefined }
  | {
      readonly status: "failed";
      readonly failureReason: string;
      readonly exitCode?: number | undefined;
      readonly message?: string | undefined;
      readonly error?: Error | undefined;
      readonly logBytes?: number | undefined;
    }
  | {
      readonly status: "canceled";
      readonly failureReason?: string | undefined;
      readonly message?: string | undefined;
      readonly logBytes?: number | undefined;
    };

export interface JobTraceStats {
  /** Spans begun, `job_execution` included. */
  readonly spans: number;
  /** Command, section and function spans given up for the limit. */
  readonly droppedSpans: number;
  /** Values cut for their length. */
  readonly truncatedValues: number;
  /** Values in which something was masked. */
  readonly maskedValues: number;
  /** Bugs caught at the boundary: ours, or a span processor's. */
  readonly faults: number;
}
