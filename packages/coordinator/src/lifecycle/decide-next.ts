import type { JobState } from "../job-state.ts";
import type { PlannedJob } from "../pipeline/plan/planned-job.ts";
import { compositeState, type JobOutcome } from "./composite-state.ts";

/** The part of a job that decides when it may go on. */
export interface WaitingJob extends JobOutcome {
  readonly name: string;
  readonly stageIndex: number;
  readonly needs: PlannedJob["needs"];
  readonly when: PlannedJob["when"];
}

/** What a `created` job becomes now. */
export interface NextStep<J extends WaitingJob> {
  readonly job: J;
  readonly becomes: "pending" | "manual" | "scheduled" | "skipped";
}

const settled: ReadonlySet<JobState> = new Set(["success", "failed", "canceled", "skipped"]);

/**
 * Which `created` jobs can go on, given the newest attempt of every job of a pipeline. Pure; call it again after applying
 * what it says, until it says nothing.
 *
 * Rule: GitLab's Ci::ProcessBuildService: a job with `needs` waits for those, another for all jobs of earlier stages.
 */
export function decideNext<J extends WaitingJob>(jobs: readonly J[]): NextStep<J>[] {
  const byName = new Map(jobs.map((job) => [job.name, job]));
  const beforeStage = new Map<number, JobState>();
  const stateBefore = (stageIndex: number): JobState => {
    const known = beforeStage.get(stageIndex);
    if (known !== undefined) return known;
    const state = compositeState(jobs.filter((job) => job.stageIndex < stageIndex));
    beforeStage.set(stageIndex, state);
    return state;
  };
  return jobs.flatMap((job) => {
    if (job.state !== "created") return [];
    const needed = job.needs?.flatMap(({ name }) => byName.get(name) ?? []);
    const before = needed === undefined ? stateBefore(job.stageIndex) : compositeState(needed, true);
    if (!settled.has(before)) return [];
    return [{ job, becomes: runsAfter(job, before) ? firstState(job.when) : ("skipped" as const) }];
  });
}

function runsAfter(job: WaitingJob, before: JobState): boolean {
  switch (job.when) {
    case "always":
      return before !== "canceled";
    case "on_failure":
      return before === "failed";
    default:
      return before === "success" || (before === "skipped" && job.needs === undefined);
  }
}

function firstState(when: PlannedJob["when"]): "pending" | "manual" | "scheduled" {
  if (when === "manual") return "manual";
  return when === "delayed" ? "scheduled" : "pending";
}
