import type { JobState } from "../job-state.ts";
import { heldByRunner } from "../job-state.ts";
import type { ProcessMode } from "./records.ts";

/** The part of a job that decides about its turn. */
export interface GroupedJob {
  readonly id: number;
  readonly pipelineId: number;
  readonly state: JobState;
}

const upcoming: ReadonlySet<JobState> = new Set(["created", "scheduled"]);

/**
 * The job of a resource group whose turn it is; `undefined` while one has the resource, or when none comes. With
 * `oldest_first` and `newest_first` it can be one that is not ready: the others wait for it.
 *
 * @param jobs of the group, newest attempts only.
 * @param ready counts as waiting, whatever its state.
 *
 * Rule: GitLab's documentation "Resource group", process modes; its Ci::ResourceGroup#upcoming_processables.
 */
export function nextOfGroup<J extends GroupedJob>(
  jobs: readonly J[],
  mode: ProcessMode = "unordered",
  ready?: J,
): J | undefined {
  const others = jobs.filter((job) => job !== ready);
  if (others.some(({ state }) => state === "pending" || heldByRunner.has(state))) return undefined;
  return inTurn(jobs, mode, ready)[0];
}

/** Jobs that wait for a resource group, or may come to, in the order in which they get it. */
export function inTurn<J extends GroupedJob>(jobs: readonly J[], mode: ProcessMode = "unordered", ready?: J): J[] {
  const isWaiting = (job: J) => job === ready || job.state === "waiting_for_resource";
  const waitsForUpcoming = mode === "oldest_first" || mode === "newest_first";
  const direction = mode === "newest_first" || mode === "newest_ready_first" ? -1 : 1;
  return jobs
    .filter((job) => isWaiting(job) || (waitsForUpcoming && upcoming.has(job.state)))
    .sort(
      (a, b) =>
        (mode === "unordered" ? 0 : (a.pipelineId - b.pipelineId) * direction) ||
        Number(isWaiting(b)) - Number(isWaiting(a)) ||
        a.id - b.id,
    );
}
