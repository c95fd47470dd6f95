import { hostname } from "node:os";
import { processStat } from "../process-table.ts";

/** What stands before every label of GitLab's runner. Rule: runner-protocol.md §4.11. */
const prefix = "com.gitlab.gitlab-runner.";

/** Labels of ours: which runner made a thing, and in which process. */
const ownerLabel = "dev.jobscope.owner";
const processLabel = "dev.jobscope.process";

/** Everything that is made for one job carries these. */
export interface Labels {
  /** `type` and what else tells this thing from others, without prefix. */
  of(own: Readonly<Record<string, string>>): Record<string, string>;
}

/** Labels as the engine has them. */
export type PresentLabels = Readonly<Record<string, string>> | undefined | null;

/** Who makes things on an engine: knows its own again, also those of an earlier process. */
export interface Ownership {
  labelsFor(job: Readonly<Record<string, string>>, configured: Readonly<Record<string, string>>): Labels;
  /** Label filter of what this runner made. */
  readonly filter: string;
  /** Whether the process that made a thing is gone. Volumes that later jobs use again are nobody's leftovers. */
  isOrphaned(labels: PresentLabels): boolean;
  /** Whether a thing was made by this process for a job, and is to go with it. */
  isOfJob(labels: PresentLabels, jobId: number): boolean;
}

/** @param owner names this runner, and no other on any machine that uses the engine. */
export function createOwnership(owner: string): Ownership {
  const mark = `${hostname()} ${process.pid} ${processStat(process.pid)?.startTime ?? ""}`;
  return {
    labelsFor: (job, configured) => ({
      of: (own) => ({
        ...withPrefix({ ...job, managed: "true", ...own }),
        ...configured,
        [ownerLabel]: owner,
        [processLabel]: mark,
      }),
    }),
    filter: `${ownerLabel}=${owner}`,
    isOfJob: (labels, jobId) =>
      !isReusable(labels) && labels?.[processLabel] === mark && labels[`${prefix}job.id`] === String(jobId),
    isOrphaned(labels) {
      if (isReusable(labels)) return false;
      const [host, pid, startTime] = labels?.[processLabel]?.split(" ") ?? [];
      // Of another machine nothing is known.
      if (host !== hostname() || pid === undefined) return false;
      return (processStat(Number(pid))?.startTime ?? "gone") !== startTime;
    },
  };
}

function isReusable(labels: PresentLabels): boolean {
  return labels?.[`${prefix}reusable`] === "true";
}

function withPrefix(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([key, value]) => [`${prefix}${key}`, value]));
}
