import { Cron } from "croner";
import type { ConfigProblem } from "./config-error.ts";
import type { JobQueuingDurationTable } from "./schema/monitoring-table.ts";

/** Which waiting for a runner the operator accepts. Rule: runner-protocol.md §6.3, `[runners.monitoring]`. */
export interface QueuingLimits {
  /** Whether a job that waited so long, and began now, waited longer than is acceptable. */
  areExceeded(job: QueuedJob, now: Date): boolean;
}

export interface QueuedJob {
  readonly queuedDurationS: number | undefined;
  /** `"0"`, `"+Inf"`, …: jobs of its project that run. */
  readonly projectJobsRunning: string;
}

/**
 * Of the tables whose period it is, the last one counts, as upstream.
 *
 * @param key of the list in the configuration, for `problems`.
 */
export function createQueuingLimits(
  tables: readonly JobQueuingDurationTable[],
  { key, problems }: { readonly key: string; readonly problems: ConfigProblem[] },
): QueuingLimits {
  const limits = tables.map((table, index) => readLimit(table, { key: `${key}[${index}]`, problems }));
  return {
    areExceeded({ queuedDurationS, projectJobsRunning }, now) {
      const limit = limits.findLast(({ periods }) => periods.some((period) => period.match(now)));
      if (limit === undefined || queuedDurationS === undefined || limit.thresholdS <= 0) return false;
      if (limit.jobsRunning !== undefined && !limit.jobsRunning.test(projectJobsRunning)) return false;
      return queuedDurationS > limit.thresholdS;
    },
  };
}

function readLimit(
  { periods, timezone, threshold, jobs_running_for_project: pattern }: JobQueuingDurationTable,
  place: { readonly key: string; readonly problems: ConfigProblem[] },
) {
  const attempt = <Result>(name: string, read: () => Result): Result[] => {
    try {
      return [read()];
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      place.problems.push({ key: `${place.key}.${name}`, message });
      return [];
    }
  };
  const readPeriod = (period: string) => {
    const cron = new Cron(period, { paused: true, ...(timezone === "" ? {} : { timezone }) });
    // A time zone that is none is only noticed when it is used.
    cron.match(new Date());
    return cron;
  };
  return {
    periods: periods.flatMap((period) => attempt("periods", () => readPeriod(period))),
    thresholdS: threshold / 1000,
    jobsRunning: pattern === "" ? undefined : attempt("jobs_running_for_project", () => new RegExp(pattern))[0],
  };
}
