import type { JobView as CoordinatorJob } from "@jobscope/coordinator";
import { failureWords, type JobViewState, type KnownJob } from "../view/pipeline-view.ts";

/** What the coordinator says of its jobs, in the words of the views. */
export function knownJobs(jobs: readonly CoordinatorJob[]): KnownJob[] {
  return jobs.map((job) => ({
    jobId: job.id,
    name: job.attempt > 1 || job.retried ? `${job.name} (attempt ${job.attempt})` : job.name,
    pipelineStage: job.pipelineStage,
    state: viewState(job),
    reason: job.state === "failed" ? failureWords(job.failureReason, job.exitCode) : "",
    queuedUnixNano: unixNano(job.queuedAtMs),
    startUnixNano: unixNano(job.startedAtMs),
    endUnixNano: unixNano(job.finishedAtMs),
  }));
}

function viewState({ state, allowFailure, retried }: CoordinatorJob): JobViewState {
  switch (state) {
    case "created":
    case "waiting_for_resource":
    case "scheduled":
      return "waiting";
    case "canceling":
      return "running";
    case "failed":
      if (retried) return "retried";
      return allowFailure ? "warning" : "failed";
    default:
      return state;
  }
}

function unixNano(unixMs: number | undefined): bigint | undefined {
  return unixMs === undefined ? undefined : BigInt(Math.round(unixMs * 1000)) * 1000n;
}
