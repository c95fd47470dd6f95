/** GitLab's states of a job, in the spelling of its REST API (`GET /projects/:id/jobs`). */
export type JobState =
  | "created"
  | "waiting_for_resource"
  | "pending"
  | "running"
  | "canceling"
  | "success"
  | "failed"
  | "canceled"
  | "skipped"
  | "manual"
  | "scheduled";

/** GitLab's states of a pipeline: what its jobs' states add up to. */
export type PipelineState = JobState;

/** States that a job does not leave by itself. A `manual` job is not among them: it waits for a person. */
export const finalStates: ReadonlySet<JobState> = new Set(["success", "failed", "canceled", "skipped"]);

/** States in which a runner holds the job and may still send its log, artifacts and verdict. */
export const heldByRunner: ReadonlySet<JobState> = new Set(["running", "canceling"]);
