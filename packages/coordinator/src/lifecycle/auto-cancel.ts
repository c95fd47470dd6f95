import type { JobState } from "../job-state.ts";
import type { CoordinatorState } from "./coordinator-state.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { JobRecord, PipelineRecord } from "./records.ts";

const notStarted: ReadonlySet<JobState> = new Set([
  "created",
  "waiting_for_resource",
  "pending",
  "manual",
  "scheduled",
]);

/**
 * Cancels what a new pipeline makes needless: older pipelines of the same ref with another commit.
 *
 * `conservative`: unless a job that is not `interruptible` has started; `interruptible`: those jobs that are; `none`.
 * Rule: GitLab's reference of `workflow:auto_cancel:on_new_commit`.
 */
export function cancelRedundant(deps: { state: CoordinatorState; lifecycle: Lifecycle }, newest: PipelineRecord): void {
  for (const pipeline of deps.state.pipelines.values()) {
    if (!isRedundant(pipeline, newest)) continue;
    const jobs = deps.state.currentJobsOf(pipeline.id);
    for (const job of jobsToCancel(pipeline.autoCancel, jobs)) deps.lifecycle.cancel(job);
  }
}

function isRedundant(older: PipelineRecord, newest: PipelineRecord): boolean {
  return (
    older.id < newest.id &&
    older.finishedAtMs === undefined &&
    older.projectId === newest.projectId &&
    older.parentJobId === undefined &&
    older.facts.ref === newest.facts.ref &&
    older.facts.sha !== newest.facts.sha
  );
}

function jobsToCancel<J extends Pick<JobRecord, "state" | "plan">>(
  mode: PipelineRecord["autoCancel"],
  jobs: readonly J[],
): readonly J[] {
  if (mode === "none") return [];
  if (mode === "interruptible") return jobs.filter(({ plan }) => plan.interruptible);
  const mustGoOn = jobs.some(({ state, plan }) => !plan.interruptible && !notStarted.has(state) && state !== "skipped");
  return mustGoOn ? [] : jobs;
}
