import { earliest, latest } from "./unix-nano.ts";
import type { ViewSpan } from "./view-span.ts";

/**
 * How far a job is, as the views show it; `warning` is a failure that the pipeline allows, `retried` a failed attempt that
 * another one followed.
 */
export type JobViewState =
  | "waiting"
  | "pending"
  | "running"
  | "success"
  | "warning"
  | "retried"
  | "failed"
  | "canceled"
  | "skipped"
  | "manual";

/** A span and what is below it, children by start time. */
export interface SpanNode {
  readonly span: ViewSpan;
  readonly children: readonly SpanNode[];
}

/** What the coordinator says of a job before, or without, any span. Where there are spans, their times win. */
export interface KnownJob {
  readonly jobId: number;
  readonly name: string;
  readonly pipelineStage: string;
  readonly state: JobViewState;
  /** A word or two on why it failed; empty otherwise. */
  readonly reason: string;
  /** When it could have started: its needs were met. Nanoseconds since the epoch, as all times here. */
  readonly queuedUnixNano: bigint | undefined;
  readonly startUnixNano: bigint | undefined;
  readonly endUnixNano: bigint | undefined;
}

/** One job of the pipeline with its spans. */
export interface JobView extends KnownJob {
  /** `job_execution`: all that the runner did. One per attempt, the last one here. */
  readonly execution: SpanNode | undefined;
}

/** A pipeline, or as much of it as there are spans of. */
export interface PipelineView {
  readonly traceId: string | undefined;
  readonly startUnixNano: bigint | undefined;
  /** `undefined` while anything is open. */
  readonly endUnixNano: bigint | undefined;
  /** In the order of `known`, then by start. */
  readonly jobs: readonly JobView[];
}

/** Names of the spans that stand for a whole job, Rails side and runner side (telemetry.md §1, §2). */
const jobSpanNames = new Set(["job_lifecycle", "job_pending", "job_running", "job_execution"]);

/**
 * Spans → jobs. Tolerates what a trace can lack: parents, Rails-side spans, ends.
 *
 * @param spans any order; spans of several jobs share one trace.
 * @param known jobs that the coordinator named, in pipeline order; their state wins over what spans tell.
 */
export function pipelineView(spans: readonly ViewSpan[], known: readonly KnownJob[] = []): PipelineView {
  const spansByJobId = Map.groupBy(
    spans.filter((span) => jobSpanNames.has(span.name)),
    (span) => Number(span.attributes["ci.job.id"]),
  );
  const childrenByParentId = Map.groupBy(spans, (span) => span.parentSpanId);
  const knownById = new Map(known.map((job) => [job.jobId, job]));
  const jobIds = new Set([...knownById.keys(), ...idsByStart(spansByJobId)]);
  const newest = newestAttempts(spans);
  const jobs = [...jobIds].map((id) =>
    jobView(id, knownById.get(id), spansByJobId.get(id) ?? [], childrenByParentId, newest),
  );
  const isOpen = spans.some((span) => span.endUnixNano === undefined) || jobs.some(({ state }) => isUnderWay(state));
  const starts = [...spans, ...jobs].map((timed) => timed.startUnixNano).filter((start) => start !== undefined);
  return {
    traceId: spans[0]?.traceId,
    startUnixNano: earliest([...starts, ...jobs.map((job) => job.queuedUnixNano).filter((time) => time !== undefined)]),
    endUnixNano: isOpen ? undefined : latest([...ends(spans), ...ends(jobs)]),
    jobs,
  };
}

/** By job name, what the highest `ci.job.attempt` is. */
function newestAttempts(spans: readonly ViewSpan[]): ReadonlyMap<string, number> {
  const newest = new Map<string, number>();
  for (const { attributes } of spans) {
    const name = attributes["ci.job.name"];
    const attempt = Number(attributes["ci.job.attempt"]);
    if (name !== undefined && attempt > (newest.get(name) ?? 0)) newest.set(name, attempt);
  }
  return newest;
}

function isUnderWay(state: JobViewState): boolean {
  return state === "pending" || state === "running";
}

/** It failed, whether that counts or not. */
export function hasFailed(state: JobViewState): boolean {
  return state === "failed" || state === "warning" || state === "retried";
}

/** All nodes below and including this one, parents first. */
export function* walk(node: SpanNode): Generator<SpanNode> {
  yield node;
  for (const child of node.children) yield* walk(child);
}

function idsByStart(spansByJobId: ReadonlyMap<number, readonly ViewSpan[]>): number[] {
  const start = (id: number): bigint => earliest((spansByJobId.get(id) ?? []).map((span) => span.startUnixNano)) ?? 0n;
  const ids = [...spansByJobId.keys()].filter((id) => Number.isInteger(id));
  return ids.sort((a, b) => Number(start(a) - start(b)) || a - b);
}

function jobView(
  jobId: number,
  known: KnownJob | undefined,
  spans: readonly ViewSpan[],
  childrenByParentId: ReadonlyMap<string | undefined, readonly ViewSpan[]>,
  newest: ReadonlyMap<string, number>,
): JobView {
  const named = (name: string): ViewSpan | undefined =>
    spans
      .filter((span) => span.name === name)
      .toSorted(byStart)
      .at(-1);
  const lifecycle = named("job_lifecycle");
  const pending = named("job_pending");
  const running = named("job_running");
  const execution = named("job_execution");
  const whole = lifecycle ?? running ?? execution;
  const name = attribute(spans, "ci.job.name");
  const wasRetried = Number(attribute(spans, "ci.job.attempt")) < (newest.get(name ?? "") ?? 0);
  const shown = known?.state ?? stateOf(execution ?? running ?? whole);
  const state = shown === "failed" && wasRetried ? "retried" : shown;
  return {
    jobId,
    name: known?.name ?? name ?? `job ${jobId}`,
    pipelineStage: known?.pipelineStage ?? attribute(spans, "ci.job.stage") ?? "",
    state,
    reason: known?.reason ?? (hasFailed(state) ? reasonOf(execution ?? running ?? whole) : ""),
    queuedUnixNano: pending?.startUnixNano ?? known?.queuedUnixNano,
    startUnixNano: running?.startUnixNano ?? known?.startUnixNano ?? execution?.startUnixNano,
    // The coordinator's word: the runner's own span ends a little later, when other jobs have begun already.
    endUnixNano: isUnderWay(state) ? undefined : (running?.endUnixNano ?? known?.endUnixNano ?? execution?.endUnixNano),
    execution: execution === undefined ? undefined : nodeOf(execution, childrenByParentId, new Set()),
  };
}

function nodeOf(
  span: ViewSpan,
  childrenByParentId: ReadonlyMap<string | undefined, readonly ViewSpan[]>,
  above: ReadonlySet<string>,
): SpanNode {
  // A span that names itself or a descendant as its parent would make this endless.
  const path = new Set([...above, span.spanId]);
  const children = (childrenByParentId.get(span.spanId) ?? []).filter((child) => !path.has(child.spanId));
  return { span, children: children.toSorted(byStart).map((child) => nodeOf(child, childrenByParentId, path)) };
}

function stateOf(span: ViewSpan | undefined): JobViewState {
  if (span === undefined) return "waiting";
  if (span.endUnixNano === undefined) return "running";
  switch (span.attributes["ci.job.status"]) {
    case "canceled":
      return "canceled";
    case "success":
      return "success";
    default:
      if (span.status !== "error") return "success";
      return span.attributes["ci.job.allow_failure"] === "true" ? "warning" : "failed";
  }
}

function reasonOf(span: ViewSpan | undefined): string {
  const exitCode = span?.attributes["ci.job.exit_code"];
  return failureWords(span?.attributes["ci.job.failure_reason"], exitCode) || (span?.statusMessage ?? "");
}

/**
 * Why a job failed, in a word or two: `exit 3`, `runner system failure`; empty when nothing is known.
 *
 * @param failureReason GitLab's word (runner-protocol.md §2.7).
 */
export function failureWords(failureReason: string | undefined, exitCode: string | number | undefined): string {
  const isScript = failureReason === undefined || failureReason === "" || failureReason === "script_failure";
  if (isScript && exitCode !== undefined) return `exit ${exitCode}`;
  return failureReason?.replaceAll("_", " ") ?? "";
}

function attribute(spans: readonly ViewSpan[], name: string): string | undefined {
  return spans.find((span) => span.attributes[name] !== undefined)?.attributes[name];
}

function byStart(a: ViewSpan, b: ViewSpan): number {
  if (a.startUnixNano !== b.startUnixNano) return a.startUnixNano < b.startUnixNano ? -1 : 1;
  return a.spanId < b.spanId ? -1 : 1;
}

function ends(timed: readonly { readonly endUnixNano: bigint | undefined }[]): bigint[] {
  return timed.map(({ endUnixNano }) => endUnixNano).filter((end) => end !== undefined);
}
