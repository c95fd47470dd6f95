import type { Log } from "@jobscope/labkit";
import { ROOT_CONTEXT, type Span, SpanStatusCode, TraceFlags, type Tracer, trace } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { AlwaysOnSampler, type SpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { finalStates, type JobState } from "../job-state.ts";
import type { CoordinatorState } from "../lifecycle/coordinator-state.ts";
import type { LifecycleObserver } from "../lifecycle/lifecycle.ts";
import type { JobRecord, PipelineRecord } from "../lifecycle/records.ts";
import { jobAttributes, pipelineAttributes, runnerAttributes } from "./rails-attributes.ts";
import { spanIdOf, traceIdOf } from "./trace-ids.ts";

type JobSpanKind = "lifecycle" | "pending" | "running";

/**
 * GitLab's own spans of a pipeline, sent while it runs: the pipeline, and for each job `job_lifecycle` with `job_pending`
 * and `job_running` in it. Ids follow from the ids of pipeline and job, so that a runner can name its parent before that
 * span is sent, and a restarted coordinator goes on with the same spans.
 *
 * Rule: telemetry.md §1. A child pipeline's jobs lie below the job that triggered it.
 */
export class RailsSpans implements LifecycleObserver {
  readonly #state: CoordinatorState;
  readonly #tracer: Tracer;
  readonly #open = new Map<string, Span>();
  #next = { traceId: "", spanId: "" };

  constructor(deps: {
    state: CoordinatorState;
    spanProcessors: readonly SpanProcessor[];
    instanceId: string;
    log: Log;
  }) {
    this.#state = deps.state;
    const provider = new TracerProvider({
      resource: resourceFromAttributes({ "service.name": "gitlab-ci-rails", "service.instance.id": deps.instanceId }),
      sampler: new AlwaysOnSampler(),
      idGenerator: { generateTraceId: () => this.#next.traceId, generateSpanId: () => this.#next.spanId },
      spanProcessors: deps.spanProcessors.map((processor) => guarded(processor, deps.log)),
    });
    this.#tracer = provider.getTracer("gitlab-ci-job-telemetry");
  }

  /** Begins again what a former process had begun and could not end. Once, before anything changes. */
  resume(): void {
    for (const pipeline of this.#state.pipelines.values()) {
      if (pipeline.finishedAtMs !== undefined) continue;
      this.pipelineChanged(pipeline);
      for (const job of this.#state.jobsOf(pipeline.id))
        if (!finalStates.has(job.state)) this.jobChanged(job, undefined);
    }
  }

  pipelineChanged(pipeline: PipelineRecord): void {
    if (!pipeline.isTraced || pipeline.id !== pipeline.rootPipelineId) return;
    const spanId = spanIdOf(`pipeline:${pipeline.id}`);
    const span = this.#opened(pipeline, spanId, { name: "pipeline", atMs: pipeline.createdAtMs, parentId: undefined });
    if (pipeline.finishedAtMs === undefined) return;
    span.setAttributes(pipelineAttributes(pipeline, this.#state.projects.get(pipeline.projectId)));
    this.#end(spanId, pipeline.finishedAtMs, pipeline.state === "failed" ? "the pipeline failed" : undefined);
  }

  jobChanged(job: JobRecord, before: JobState | undefined): void {
    const pipeline = this.#state.pipelines.get(job.pipelineId);
    if (pipeline?.isTraced !== true) return;
    this.#openJobSpan(pipeline, job, "lifecycle", job.createdAtMs);
    if (job.state === "pending" && before === "running") this.#forget(pipeline, job, "running");
    if (job.queuedAtMs !== undefined) this.#openJobSpan(pipeline, job, "pending", job.queuedAtMs);
    if (job.startedAtMs !== undefined) {
      this.#endJobSpan(pipeline, job, "pending", job.startedAtMs);
      this.#openJobSpan(pipeline, job, "running", job.startedAtMs);
    }
    if (finalStates.has(job.state) && job.finishedAtMs !== undefined) this.#endJob(pipeline, job, job.finishedAtMs);
  }

  #endJob(pipeline: PipelineRecord, job: JobRecord, atMs: number): void {
    for (const kind of ["pending", "running", "lifecycle"] as const) this.#endJobSpan(pipeline, job, kind, atMs);
  }

  #openJobSpan(pipeline: PipelineRecord, job: JobRecord, kind: JobSpanKind, atMs: number): void {
    const parentId = kind === "lifecycle" ? this.#parentOf(pipeline) : jobSpanId(pipeline, job, "lifecycle");
    const isOver =
      kind === "pending" && job.startedAtMs !== undefined && !this.#open.has(jobSpanId(pipeline, job, kind));
    if (!isOver) this.#opened(pipeline, jobSpanId(pipeline, job, kind), { name: `job_${kind}`, atMs, parentId });
  }

  #parentOf(pipeline: PipelineRecord): string {
    const trigger = pipeline.parentJobId === undefined ? undefined : this.#state.jobs.get(pipeline.parentJobId);
    return trigger === undefined
      ? spanIdOf(`pipeline:${pipeline.rootPipelineId}`)
      : jobSpanId(pipeline, trigger, "lifecycle");
  }

  #opened(
    pipeline: PipelineRecord,
    spanId: string,
    { name, atMs, parentId }: { name: string; atMs: number; parentId: string | undefined },
  ): Span {
    const known = this.#open.get(spanId);
    if (known !== undefined) return known;
    const traceId = traceIdOf(pipeline.rootPipelineId);
    this.#next = { traceId, spanId };
    const parent = { traceId, spanId: parentId ?? "", traceFlags: TraceFlags.SAMPLED };
    const context = parentId === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
    const attributes = pipelineAttributes(pipeline, this.#state.projects.get(pipeline.projectId));
    const span = this.#tracer.startSpan(name, { startTime: atMs, attributes }, context);
    this.#open.set(spanId, span);
    return span;
  }

  #endJobSpan(pipeline: PipelineRecord, job: JobRecord, kind: JobSpanKind, atMs: number): void {
    const spanId = jobSpanId(pipeline, job, kind);
    const span = this.#open.get(spanId);
    if (span === undefined) return;
    span.setAttributes(jobAttributes(job, pipeline));
    if (kind === "running") span.setAttributes(runnerAttributes(job));
    const isFailed = job.state === "failed" && kind !== "pending";
    this.#end(spanId, atMs, isFailed ? (job.failureReason ?? "failed") : undefined);
  }

  #end(spanId: string, atMs: number, failure: string | undefined): void {
    const span = this.#open.get(spanId);
    span?.setStatus(
      failure === undefined ? { code: SpanStatusCode.OK } : { code: SpanStatusCode.ERROR, message: failure },
    );
    span?.end(atMs);
    this.#open.delete(spanId);
  }

  /** A hand-out that reached nobody was no run. */
  #forget(pipeline: PipelineRecord, job: JobRecord, kind: JobSpanKind): void {
    this.#open.delete(jobSpanId(pipeline, job, kind));
  }
}

/** A processor that throws costs its own spans, not a job and not the other processors' spans. */
function guarded(processor: SpanProcessor, log: Log): SpanProcessor {
  const attempt = (call: () => void) => {
    try {
      call();
    } catch (err) {
      log.warn("a span processor failed", { err });
    }
  };
  return {
    onStart: (span, context) => attempt(() => processor.onStart(span, context)),
    onEnd: (span) => attempt(() => processor.onEnd(span)),
    forceFlush: () => processor.forceFlush(),
    shutdown: async () => {},
  };
}

function jobSpanId(pipeline: PipelineRecord, job: JobRecord, kind: JobSpanKind): string {
  return spanIdOf(`${pipeline.rootPipelineId}:${job.id}:${kind}`);
}
