import { z } from "zod";
import { duration } from "./fields.ts";

/** One `[[runners.monitoring.job_queuing_durations]]`: what waiting for a runner is acceptable, and when. */
const jobQueuingDuration = z.object({
  /** Cron patterns of seven fields, seconds first and years last; shorter ones too. */
  periods: z.array(z.string()).default([]),
  /** Of `periods`: `Europe/Stockholm`. Default: this machine's. */
  timezone: z.string().default(""),
  threshold: duration.default(0),
  /** Regular expression: counts only for jobs whose `project_jobs_running_on_instance_runners_count` it matches. */
  jobs_running_for_project: z.string().default(""),
});

export type JobQueuingDurationTable = z.output<typeof jobQueuingDuration>;

/** `[runners.monitoring]` in GitLab's spelling. Rule: runner-protocol.md §6.3. */
export const monitoringTable = z.object({ job_queuing_durations: z.array(jobQueuingDuration).default([]) });
