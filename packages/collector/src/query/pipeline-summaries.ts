import type { JobSummary, PipelineSummary, StoredJobState } from "../stored-trace.ts";

/**
 * Puts pipelines together from their jobs, latest first.
 *
 * Of several attempts at one job the latest counts, as in GitLab: a job that failed and was retried with success does
 * not fail its pipeline. Jobs without a pipeline's id belong to none.
 */
export function pipelineSummaries(jobs: readonly JobSummary[]): PipelineSummary[] {
  const jobsByPipeline = Map.groupBy(
    jobs.filter(({ pipelineId }) => pipelineId !== ""),
    ({ projectId, pipelineId }) => `${projectId}/${pipelineId}`,
  );
  return [...jobsByPipeline.values()].map(pipelineSummary).sort((a, b) => Number(b.startUnixNano - a.startUnixNano));
}

function pipelineSummary(attempts: readonly JobSummary[]): PipelineSummary {
  const latestFirst = attempts.toSorted((a, b) => Number(b.startUnixNano - a.startUnixNano));
  const jobs = [...Map.groupBy(latestFirst, ({ name, jobId }) => name || jobId).values()].flatMap(([job]) => job ?? []);
  const failed = jobs.filter(({ state, allowFailure }) => state === "failed" && !allowFailure);
  const startUnixNano = minOf(attempts.map((job) => job.startUnixNano));
  const endUnixNano = -minOf(attempts.map((job) => -(job.startUnixNano + job.durationNano)));
  const first = (pick: (job: JobSummary) => string) => latestFirst.map(pick).find((text) => text !== "") ?? "";
  return {
    pipelineId: first((job) => job.pipelineId),
    traceId: first((job) => job.traceId),
    projectId: first((job) => job.projectId),
    projectPath: first((job) => job.projectPath),
    pipelineSource: first((job) => job.pipelineSource),
    ref: first((job) => job.ref),
    state: stateOf(jobs, failed.length),
    jobs: jobs.length,
    failedJobs: failed.length,
    startUnixNano,
    durationNano: endUnixNano - startUnixNano,
  };
}

function stateOf(jobs: readonly JobSummary[], failedJobs: number): StoredJobState {
  if (jobs.some(({ state }) => state === "running")) return "running";
  if (failedJobs > 0) return "failed";
  return jobs.some(({ state }) => state === "canceled") ? "canceled" : "success";
}

function minOf(values: readonly bigint[]): bigint {
  let least = values[0] ?? 0n;
  for (const value of values) if (value < least) least = value;
  return least;
}
