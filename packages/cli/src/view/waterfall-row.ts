import type { JobView, JobViewState, PipelineView, SpanNode } from "./pipeline-view.ts";
import type { SlowestPath } from "./slowest-path.ts";
import { categoryOfStage, type TimeCategory } from "./time-category.ts";
import { later } from "./unix-nano.ts";
import type { ViewSpan } from "./view-span.ts";

/** A piece of a bar. */
export interface BarSegment {
  readonly category: TimeCategory;
  readonly startUnixNano: bigint;
  /** `undefined`: still growing. */
  readonly endUnixNano: bigint | undefined;
  readonly hasFailed: boolean;
}

/** One line of the waterfall, before anything is measured in cells. */
export interface WaterfallRow {
  readonly kind: "stage" | "job" | "span" | "more";
  /** The job it belongs to; `undefined` for a pipeline stage's heading. */
  readonly jobId: number | undefined;
  /** 0: heading or job; 1: span directly below the job; and so on. */
  readonly depth: number;
  readonly label: string;
  /** Short addition: `exit 3`, `hit`, `no entry`. */
  readonly note: string;
  readonly state: JobViewState;
  readonly startUnixNano: bigint | undefined;
  readonly endUnixNano: bigint | undefined;
  /** By start; they do not overlap. */
  readonly segments: readonly BarSegment[];
  readonly isOnSlowestPath: boolean;
}

/**
 * A pipeline's lines: a heading for each pipeline stage, its jobs, and below each job its spans, depth first.
 *
 * Expects `pipeline.jobs` in the order in which stages and jobs are to appear.
 */
export function waterfallRows(pipeline: PipelineView, path?: SlowestPath): WaterfallRow[] {
  const byStage = Map.groupBy(pipeline.jobs, (job) => job.pipelineStage);
  return [...byStage].flatMap(([stage, jobs]) => [
    ...(stage === "" ? [] : [headingRow(stage)]),
    ...jobs.flatMap((job) => [jobRow(job, path), ...spanRows(job, path)]),
  ]);
}

function headingRow(label: string): WaterfallRow {
  const nothing = { jobId: undefined, note: "", startUnixNano: undefined, endUnixNano: undefined, segments: [] };
  return { kind: "stage", depth: 0, label, state: "waiting", isOnSlowestPath: false, ...nothing };
}

/** A job's own line shows all its stages one after the other, so that it still tells the story when it is folded. */
function jobRow(job: JobView, path: SlowestPath | undefined): WaterfallRow {
  return {
    kind: "job",
    jobId: job.jobId,
    depth: 0,
    label: job.name,
    note: job.reason,
    state: job.state,
    startUnixNano: job.startUnixNano,
    endUnixNano: job.endUnixNano,
    segments: jobSegments(job),
    isOnSlowestPath: path?.jobIds.has(job.jobId) ?? false,
  };
}

function jobSegments(job: JobView): BarSegment[] {
  const segments: BarSegment[] = [];
  if (job.queuedUnixNano !== undefined) {
    segments.push(segment("queue", job.queuedUnixNano, job.startUnixNano ?? job.endUnixNano));
  }
  let doneUntil = job.startUnixNano;
  if (doneUntil === undefined) return segments;
  for (const { span } of job.execution?.children ?? []) {
    if (span.startUnixNano > doneUntil) segments.push(segment("other", doneUntil, span.startUnixNano));
    const start = later(span.startUnixNano, doneUntil);
    if (span.endUnixNano !== undefined && span.endUnixNano <= start) continue;
    segments.push(segment(categoryOfStage(span.name), start, span.endUnixNano, span.status === "error"));
    if (span.endUnixNano === undefined) return segments;
    doneUntil = span.endUnixNano;
  }
  if (job.endUnixNano === undefined || job.endUnixNano > doneUntil) {
    segments.push(segment("other", doneUntil, job.endUnixNano));
  }
  return segments;
}

function spanRows(job: JobView, path: SlowestPath | undefined): WaterfallRow[] {
  return (job.execution?.children ?? []).flatMap((child) =>
    spanRow(child, job, 1, categoryOfStage(child.span.name), path),
  );
}

function spanRow(
  { span, children }: SpanNode,
  job: JobView,
  depth: number,
  category: TimeCategory,
  path: SlowestPath | undefined,
): WaterfallRow[] {
  const row: WaterfallRow = {
    kind: "span",
    jobId: job.jobId,
    depth,
    label: span.attributes["ci.command.text"] ?? span.attributes["ci.section.name"] ?? span.name,
    note: noteOf(span),
    state: spanState(span),
    startUnixNano: span.startUnixNano,
    endUnixNano: span.endUnixNano,
    segments: [segment(category, span.startUnixNano, span.endUnixNano, span.status === "error")],
    isOnSlowestPath: path?.spanIds.has(span.spanId) ?? false,
  };
  return [row, ...children.flatMap((child) => spanRow(child, job, depth + 1, category, path))];
}

function spanState(span: ViewSpan): JobViewState {
  if (span.endUnixNano === undefined) return "running";
  switch (span.attributes["ci.stage.status"] ?? span.attributes["ci.function.status"]) {
    case "canceled":
      return "canceled";
    case "skipped":
      return "skipped";
    default:
      return span.status === "error" ? "failed" : "success";
  }
}

/** What is worth knowing of a span beside its time, in a word or two. Attributes: telemetry.md §2. */
function noteOf(span: ViewSpan): string {
  const { attributes } = span;
  const exitCode = attributes["ci.stage.exit_code"] ?? attributes["ci.function.exit_code"];
  if (exitCode !== undefined && exitCode !== "0") return `exit ${exitCode}`;
  const attempt = attributes["ci.stage.attempt"];
  if (attempt !== undefined && attempt !== "1") return `attempt ${attempt}`;
  if (attributes["ci.cache.fallback_key"] !== undefined) return "fallback hit";
  if (attributes["ci.cache.skipped"] === "true") return "skipped";
  if (attributes["ci.cache.hit"] === "true") return "hit";
  if (attributes["ci.cache.hit"] === "false") return "miss";
  if (attributes["ci.image.name"] !== undefined) return imageNote(attributes["ci.image.name"], attributes);
  return attributes["ci.artifact.from_job"] ?? attributes["ci.artifact.type"] ?? attributes["ci.git.operation"] ?? "";
}

/** `registry.example.com/group/tools` → `tools`, and whether it had to be fetched. */
function imageNote(name: string, attributes: ViewSpan["attributes"]): string {
  const short = name.slice(name.lastIndexOf("/") + 1);
  return attributes["ci.image.pulled"] === "false" ? `${short}, was there` : short;
}

function segment(
  category: TimeCategory,
  startUnixNano: bigint,
  endUnixNano: bigint | undefined,
  hasFailed = false,
): BarSegment {
  return { category, startUnixNano, endUnixNano, hasFailed };
}
