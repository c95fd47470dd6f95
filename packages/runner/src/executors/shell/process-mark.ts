import { randomBytes } from "node:crypto";
import { processStat, readProcessFile, scanProcesses } from "../process-table.ts";

/**
 * Environment variable that every process of a job inherits, so that one which left the process group (`setsid`, a
 * daemon) is still found. A process that clears its environment is not: only a cgroup would hold it.
 */
export const markVariable = "JOBSCOPE_PROCESS_MARK";

/** Who marks: one runner process. A mark reads `<owner>.<pid>.<start time>.<random>`, of the runner process. */
export interface Marker {
  newMark(): string;
  /** Whether a mark was made by an earlier process of the same owner, one that is gone. */
  isOrphaned(mark: string): boolean;
}

/**
 * @param owner what stays the same when the runner is started again, and differs between runners of one machine: made
 *   of the directory it keeps its state in. Only letters and digits.
 */
export function createMarker(owner: string): Marker {
  const self = `${owner}.${process.pid}.${startTimeOf(process.pid)}`;
  return {
    newMark: () => `${self}.${randomBytes(8).toString("hex")}`,
    isOrphaned(mark) {
      const [markOwner, pid, startTime] = mark.split(".");
      if (markOwner !== owner || pid === undefined || startTime === undefined) return false;
      return startTimeOf(Number(pid)) !== startTime;
    },
  };
}

/** Living processes' marks by pid. Empty where there is no `/proc`. @param among see `scanProcesses`. */
export async function findMarkedProcesses(among?: readonly number[]): Promise<ReadonlyMap<number, string>> {
  const found = new Map<number, string>();
  await scanProcesses((pid) => {
    const mark = markIn(readProcessFile(pid, "environ"));
    if (mark !== undefined) found.set(pid, mark);
  }, among);
  return found;
}

function markIn(environment: string): string | undefined {
  const assignment = `${markVariable}=`;
  if (!environment.includes(assignment)) return undefined;
  return environment
    .split("\0")
    .find((entry) => entry.startsWith(assignment))
    ?.slice(assignment.length);
}

/** `0` where there is no `/proc`. */
function startTimeOf(pid: number): string {
  return processStat(pid)?.startTime ?? "0";
}
