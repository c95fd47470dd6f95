import { heldByRunner } from "../job-state.ts";
import type { CoordinatorState } from "./coordinator-state.ts";
import type { JobContacts } from "./job-contacts.ts";
import type { JobQueue } from "./job-queue.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { JobRecord } from "./records.ts";

/** What the watchdog watches with. */
export interface WatchdogDeps {
  readonly state: CoordinatorState;
  readonly lifecycle: Lifecycle;
  readonly contacts: JobContacts;
  readonly now: () => number;
  /** A runner silent for so long has lost its job. */
  readonly silentRunnerMs: number;
  readonly queue: JobQueue;
  /** A job that waits so long while nobody asks who could take it is stuck. */
  readonly stuckJobMs: number;
}

/** A runner that commits in two phases speaks at once; one that has not by then never got the job. */
const acknowledgeMs = 60_000;
/** What a runner may take beyond the job's timeout for clean-up and reports. */
const timeoutGraceMs = 600_000;

/** Looks after all running and waiting jobs once (runner-protocol.md §9.1 #13). Call it every few seconds. */
export function watchJobs(deps: WatchdogDeps): void {
  failStuckJobs(deps);
  for (const job of deps.state.jobs.values()) {
    if (heldByRunner.has(job.state) && job.runner !== undefined) watchJob(job, deps);
  }
}

/** Rule: GitLab's Ci::StuckBuilds::DropPendingService. */
function failStuckJobs({ queue, lifecycle, now, stuckJobMs }: WatchdogDeps): void {
  const sinceMs = now() - stuckJobMs;
  for (const job of [...queue.pending()]) {
    if ((job.queuedAtMs ?? now()) <= sinceMs && !queue.hasSeekerFor(job, sinceMs)) lifecycle.giveUp(job);
  }
}

function watchJob(job: JobRecord, { lifecycle, contacts, now, silentRunnerMs }: WatchdogDeps): void {
  const silentMs = contacts.silentForMs(job.id, now());
  const ranMs = now() - (job.startedAtMs ?? now());
  const acknowledges = job.runner?.features["two_phase_job_commit"] === true;
  if (!job.isAcknowledged && acknowledges && silentMs > acknowledgeMs) lifecycle.takeBack(job);
  else if (silentMs > silentRunnerMs)
    lifecycle.end(job, { state: "failed", failureReason: "stuck_or_timeout_failure" });
  else if (ranMs > job.plan.timeoutSeconds * 1000 + timeoutGraceMs)
    lifecycle.end(job, { state: "failed", failureReason: "job_execution_timeout" });
}
