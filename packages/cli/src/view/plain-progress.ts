import { plainText } from "./fit-text.ts";
import { formatDuration } from "./format-duration.ts";
import { stateSymbol } from "./palette.ts";
import type { JobView, PipelineView } from "./pipeline-view.ts";

/**
 * What is new since `told`, as lines for a log that is read top to bottom: a line when a job starts, when one of its
 * stages ends, and when the job ends. Nothing is told twice.
 */
export function plainProgress(
  pipeline: PipelineView,
  told: ReadonlySet<string>,
): { lines: string[]; told: Set<string> } {
  const events = pipeline.jobs.flatMap((job) => eventsOf(job, pipeline.startUnixNano ?? 0n));
  const fresh = events.filter(({ key }) => !told.has(key)).toSorted((a, b) => Number(a.atUnixNano - b.atUnixNano));
  return { lines: fresh.map(({ line }) => line), told: new Set([...told, ...fresh.map(({ key }) => key)]) };
}

interface ProgressEvent {
  readonly key: string;
  readonly atUnixNano: bigint;
  readonly line: string;
}

function eventsOf(job: JobView, beginUnixNano: bigint): ProgressEvent[] {
  const name = plainText(job.name);
  const event = (key: string, atUnixNano: bigint, text: string): ProgressEvent => ({
    key: `${job.jobId} ${key}`,
    atUnixNano,
    line: `${clock(atUnixNano - beginUnixNano)}  ${text}`,
  });
  const events: ProgressEvent[] = [];
  if (job.startUnixNano !== undefined) events.push(event("start", job.startUnixNano, `● ${name}: started`));
  for (const { span } of job.execution?.children ?? []) {
    if (span.endUnixNano === undefined) continue;
    const took = formatDuration(span.endUnixNano - span.startUnixNano);
    const outcome =
      span.status === "error" ? ` failed${span.statusMessage === "" ? "" : `: ${plainText(span.statusMessage)}`}` : "";
    events.push(event(span.spanId, span.endUnixNano, `  ${name}: ${span.name} ${took}${outcome}`));
  }
  if (job.endUnixNano !== undefined && job.startUnixNano !== undefined) {
    const took = formatDuration(job.endUnixNano - job.startUnixNano);
    const reason = job.reason === "" ? "" : ` (${plainText(job.reason)})`;
    events.push(
      event("end", job.endUnixNano, `${stateSymbol(job.state)} ${name}: ${endWord(job)} after ${took}${reason}`),
    );
  }
  return events;
}

function endWord({ state }: JobView): string {
  switch (state) {
    case "warning":
      return "failed, which is allowed,";
    case "retried":
      return "failed, and is tried again,";
    default:
      return state === "success" ? "passed" : state;
  }
}

/** Time since the pipeline's start, `00:07.3`. */
function clock(nanos: bigint): string {
  const tenths = Math.max(0, Math.round(Number(nanos) / 1e8));
  const [minutes, rest] = [Math.floor(tenths / 600), tenths % 600];
  return `${String(minutes).padStart(2, "0")}:${(rest / 10).toFixed(1).padStart(4, "0")}`;
}
