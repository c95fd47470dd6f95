import type { JobView, PipelineView, SpanNode } from "./pipeline-view.ts";

/** What decided how long a pipeline took: shorten nothing but these and the pipeline stays as long as it is. */
export interface SlowestPath {
  readonly jobIds: ReadonlySet<number>;
  readonly spanIds: ReadonlySet<string>;
}

/** Something that took time; what the walk below needs to know. */
interface Interval {
  readonly startUnixNano: bigint;
  readonly endUnixNano: bigint;
}

/**
 * Walks back from the end: the job that ended last, then the one that ended last before that one was queued, and so on;
 * within each job the same with its spans. Open jobs and spans are left out.
 */
export function slowestPath(pipeline: PipelineView): SlowestPath {
  const jobs = chain(pipeline.jobs.flatMap((job) => intervalOfJob(job)));
  const spanIds = new Set(jobs.flatMap(({ job }) => (job.execution === undefined ? [] : pathBelow(job.execution))));
  return { jobIds: new Set(jobs.map(({ job }) => job.jobId)), spanIds };
}

function intervalOfJob(job: JobView): (Interval & { job: JobView })[] {
  const startUnixNano = job.queuedUnixNano ?? job.startUnixNano;
  if (startUnixNano === undefined || job.endUnixNano === undefined) return [];
  return [{ startUnixNano, endUnixNano: job.endUnixNano, job }];
}

function pathBelow(node: SpanNode): string[] {
  const children = node.children.flatMap((child) => {
    const { startUnixNano, endUnixNano } = child.span;
    return endUnixNano === undefined ? [] : [{ startUnixNano, endUnixNano, child }];
  });
  return [node.span.spanId, ...chain(children).flatMap(({ child }) => pathBelow(child))];
}

/**
 * The intervals that one after the other led to the last end, latest first. Two that follow each other may overlap by
 * 20 ms or a tenth of the earlier one, whichever is less: they can come from two clocks.
 */
function chain<T extends Interval>(intervals: readonly T[]): T[] {
  const byEnd = intervals.toSorted(
    (a, b) => compare(b.endUnixNano, a.endUnixNano) || compare(a.startUnixNano, b.startUnixNano),
  );
  const path: T[] = [];
  for (const interval of byEnd) {
    const next = path.at(-1);
    if (next === undefined || interval.endUnixNano <= next.startUnixNano + overlapAllowance(interval))
      path.push(interval);
  }
  return path;
}

function overlapAllowance({ startUnixNano, endUnixNano }: Interval): bigint {
  const tenth = (endUnixNano - startUnixNano) / 10n;
  return tenth < 20_000_000n ? tenth : 20_000_000n;
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
