import type { JobState, PipelineState } from "./job-state.ts";

/** One job of a pipeline as readers see it: a frozen copy, taken at the time of the event or the call. */
export interface JobView {
  readonly id: number;
  readonly pipelineId: number;
  /** Full name, with its place in `parallel` (`test 1/3`) or its matrix values (`test: [linux, 20]`). */
  readonly name: string;
  /** The `stage:` keyword. */
  readonly pipelineStage: string;
  readonly state: JobState;
  /** From 1; a retry is a new job of the same name with the next number. */
  readonly attempt: number;
  /** True once a newer attempt replaced this one: it no longer counts for the pipeline's state. */
  readonly retried: boolean;
  readonly allowFailure: boolean;
  readonly when: string;
  /** GitLab's word for why the job failed (runner-protocol.md §2.7), only in state `failed`. */
  readonly failureReason: string | undefined;
  readonly exitCode: number | undefined;
  /** Names of the jobs that this one waits for; `undefined` when it waits for all jobs of earlier stages. */
  readonly needs: readonly string[] | undefined;
  readonly tags: readonly string[];
  /** Unix times in milliseconds. */
  readonly createdAtMs: number;
  readonly queuedAtMs: number | undefined;
  readonly startedAtMs: number | undefined;
  readonly finishedAtMs: number | undefined;
  /** Percentage found by the `coverage:` keyword in the job log. */
  readonly coverage: number | undefined;
  readonly artifacts: readonly ArtifactView[];
  readonly runner: { readonly id: number; readonly description: string; readonly systemId: string } | undefined;
  /** Span id of this job's `job_running` span (telemetry.md §1), 16 hex digits. */
  readonly runningSpanId: string;
}

/** One stored artifact of a job. */
export interface ArtifactView {
  /** `archive`, `junit`, `dotenv`, … (runner-protocol.md §1.8.7). */
  readonly type: string;
  readonly format: string;
  readonly filename: string;
  readonly sizeBytes: number;
  /** Unix time in milliseconds; `undefined` keeps it for ever. */
  readonly expiresAtMs: number | undefined;
}

/** One pipeline as readers see it. */
export interface PipelineView {
  readonly id: number;
  /** Counted from 1 in each project. */
  readonly iid: number;
  readonly projectId: number;
  readonly projectPath: string;
  /** `workflow: name`, with variables expanded. */
  readonly name: string | undefined;
  readonly state: PipelineState;
  readonly ref: string;
  readonly sha: string;
  readonly source: string;
  /** The trace that all jobs of this pipeline share (telemetry.md §1), 32 hex digits. */
  readonly traceId: string;
  /** Span id of the pipeline's own span. */
  readonly spanId: string;
  readonly createdAtMs: number;
  readonly startedAtMs: number | undefined;
  readonly finishedAtMs: number | undefined;
  readonly pipelineStages: readonly string[];
}

/** What a pipeline tells while it runs; names of the events of {@link Pipeline}. */
export interface PipelineEvents {
  /** A job came into being or changed its state. */
  job: [job: JobView];
  /** The pipeline as a whole changed its state. */
  pipeline: [pipeline: PipelineView];
  /** More of a job's log was stored: its new length in bytes. */
  log: [job: JobView, storedBytes: number];
}

/** A running or finished pipeline. Listeners are called in order, after the change was stored; what they throw is logged. */
export interface Pipeline {
  readonly id: number;
  /** The pipeline as it is now. */
  view(): PipelineView;
  /** Its jobs as they are now, retried attempts included, in order of stage, then of definition. */
  jobs(): readonly JobView[];
  /** Adds a listener; the returned function removes it. */
  on<E extends keyof PipelineEvents>(event: E, listener: (...values: PipelineEvents[E]) => void): () => void;
  /**
   * Settles when nothing of the pipeline can move any more by itself: all jobs ended, or those left wait for a person
   * (state `manual`). Never rejects.
   */
  readonly finished: Promise<PipelineView>;
  /** Whether `finished` has settled, or would have by now. */
  isSettled(): boolean;
  /** Cancels every job that has not ended. Runners that can do so first run `after_script`; `force` aborts. */
  cancel(options?: { force?: boolean }): void;
}
