import type { JobState, PipelineState } from "../job-state.ts";

/** The part of a job that its dependents and its pipeline look at. */
export interface JobOutcome {
  readonly state: JobState;
  readonly allowFailure: boolean;
}

type Weighed = JobState | "passed with warnings" | "ignored";

const ended: ReadonlySet<Weighed> = new Set(["success", "failed", "canceled", "skipped", "passed with warnings"]);

/**
 * What several jobs add up to.
 *
 * @param byNeeds the jobs are someone's `needs`: one that does not run then skips the dependent.
 *
 * Rule: GitLab's Gitlab::Ci::Status::Composite. A failed job that may fail is a success with warnings; a manual one that
 * may fail does not count until it is played.
 */
export function compositeState(jobs: Iterable<JobOutcome>, byNeeds = false): PipelineState {
  const states = new Set<Weighed>();
  for (const job of jobs) states.add(weigh(job));
  const onlyOf = (...allowed: Weighed[]) => [...states].every((state) => allowed.includes(state));
  const anyOf = (...wanted: Weighed[]) => wanted.some((state) => states.has(state));

  if (states.size === 0) return "success";
  if (byNeeds && anyOf("skipped", "ignored")) return "skipped";
  if (byNeeds && [...states].some((state) => !ended.has(state) && state !== "manual")) return "pending";
  if (onlyOf("skipped", "ignored")) return "skipped";
  if (onlyOf("success", "skipped", "passed with warnings", "ignored")) return "success";
  if (onlyOf("created", "passed with warnings", "ignored")) return "created";
  if (onlyOf("canceled", "success", "skipped", "passed with warnings", "ignored")) return "canceled";
  if (onlyOf("pending", "created", "skipped", "passed with warnings", "ignored")) return "pending";
  for (const state of ["running", "pending"] as const) if (anyOf(state)) return "running";
  for (const state of ["canceling", "waiting_for_resource", "manual", "scheduled"] as const)
    if (anyOf(state)) return state;
  return anyOf("created") ? "running" : "failed";
}

function weigh({ state, allowFailure }: JobOutcome): Weighed {
  if (!allowFailure) return state;
  if (state === "failed" || state === "canceled") return "passed with warnings";
  return state === "manual" ? "ignored" : state;
}
