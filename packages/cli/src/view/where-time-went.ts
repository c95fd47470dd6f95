import type { JobView, PipelineView } from "./pipeline-view.ts";
import type { SlowestPath } from "./slowest-path.ts";
import { categoryOfStage, type TimeCategory, timeCategories } from "./time-category.ts";

/** One line of the table: nanoseconds of one category. */
export interface CategoryTime {
  readonly category: TimeCategory;
  /** Summed over all jobs: jobs that ran side by side count twice. */
  readonly allJobsNano: bigint;
  /** Summed over the jobs of the slowest path; all lines together are the pipeline's duration. */
  readonly slowestPathNano: bigint;
}

/**
 * Where a pipeline's time went, by category. `other` is what no span of a category accounts for: executor and script
 * preparation, hand-over between coordinator and runner, gaps between jobs.
 */
export function whereTimeWent(pipeline: PipelineView, path: SlowestPath): CategoryTime[] {
  const all = sum(pipeline.jobs);
  const onPath = sum(pipeline.jobs.filter((job) => path.jobIds.has(job.jobId)));
  const accounted = timeCategories.reduce((total, category) => total + (onPath.get(category) ?? 0n), 0n);
  const whole = (pipeline.endUnixNano ?? 0n) - (pipeline.startUnixNano ?? 0n);
  const gaps = pipeline.endUnixNano === undefined || whole < accounted ? 0n : whole - accounted;
  return timeCategories.map((category) => ({
    category,
    allJobsNano: all.get(category) ?? 0n,
    slowestPathNano: (onPath.get(category) ?? 0n) + (category === "other" ? gaps : 0n),
  }));
}

function sum(jobs: readonly JobView[]): Map<TimeCategory, bigint> {
  const total = new Map<TimeCategory, bigint>();
  for (const job of jobs) {
    for (const [category, nanos] of timesOfJob(job)) total.set(category, (total.get(category) ?? 0n) + nanos);
  }
  return total;
}

/** How long at least one of the spans was open. */
function unionNano(
  spans: readonly { readonly startUnixNano: bigint; readonly endUnixNano: bigint | undefined }[],
): bigint {
  let total = 0n;
  let reached = 0n;
  for (const { startUnixNano, endUnixNano = startUnixNano } of spans.toSorted(byStart)) {
    const from = startUnixNano > reached ? startUnixNano : reached;
    if (endUnixNano <= from) continue;
    total += endUnixNano - from;
    reached = endUnixNano;
  }
  return total;
}

function byStart(one: { readonly startUnixNano: bigint }, other: { readonly startUnixNano: bigint }): number {
  return one.startUnixNano < other.startUnixNano ? -1 : 1;
}

function timesOfJob(job: JobView): [TimeCategory, bigint][] {
  if (job.endUnixNano === undefined || job.startUnixNano === undefined) return [];
  const spans = (job.execution?.children ?? []).map(({ span }) => span);
  const imagesNano = unionNano(spans.filter(({ name }) => name === "pull_image"));
  const stages = spans.map(({ name, startUnixNano, endUnixNano = startUnixNano }): [TimeCategory, bigint] => {
    const nanos = endUnixNano - startUnixNano;
    // Images are pulled beside each other, and all within the time of `prepare_executor` (telemetry.md §2).
    if (name === "pull_image") return ["images", 0n];
    if (name !== "prepare_executor") return [categoryOfStage(name), nanos];
    return [categoryOfStage(name), nanos > imagesNano ? nanos - imagesNano : 0n];
  });
  stages.push(["images", imagesNano]);
  const inStages = stages.reduce((total, [, nanos]) => total + nanos, 0n);
  const rest = job.endUnixNano - job.startUnixNano - inStages;
  const queued = job.queuedUnixNano === undefined ? 0n : job.startUnixNano - job.queuedUnixNano;
  return [["queue", queued > 0n ? queued : 0n], ...stages, ["other", rest > 0n ? rest : 0n]];
}
