import { readdirSync, readFileSync } from "node:fs";

/** What Linux tells of one process. Times in seconds, memory in bytes. */
export interface ProcessReading {
  readonly pid: number;
  readonly parentPid: number;
  /** In ticks since boot: with the pid it names a process for good. */
  readonly startTicks: string;
  /** User and system time of its own. */
  readonly ownCpuS: number;
  /** The same of its children, and of theirs, that have ended and were waited for. */
  readonly waitedCpuS: number;
  /** Resident now, and the most there ever was; 0 for a process that has ended but was not waited for. */
  readonly residentBytes: number;
  readonly peakResidentBytes: number;
}

/** The kernel's unit for times in /proc, `USER_HZ`: 100 a second on every Linux that Node runs on. */
const ticksPerSecond = 100;

/** @returns undefined when there is no such process (any more), or no /proc. */
export function readProcess(pid: number): ProcessReading | undefined {
  try {
    return parseProcess(readFileSync(`/proc/${pid}/stat`, "latin1"), readFileSync(`/proc/${pid}/status`, "latin1"));
  } catch {
    // ENOENT, ESRCH, EACCES: it has ended, or is not ours to look at. Either way there is nothing to tell.
    return undefined;
  }
}

/** The CPU time of all children of this very process that have ended, in seconds; undefined without /proc. */
export function readOwnWaitedCpu(): number | undefined {
  try {
    return parseStat(readFileSync("/proc/self/stat", "latin1")).waitedCpuS;
  } catch {
    return undefined;
  }
}

/** The children of a process, whichever of its threads started them. */
export function readChildren(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) => {
      const children = readFileSync(`/proc/${pid}/task/${thread}/children`, "latin1");
      return children === "" ? [] : children.trim().split(" ").map(Number);
    });
  } catch {
    return [];
  }
}

/**
 * @param stat `/proc/<pid>/stat`: `42 (a name) with) S 1 42 …`, the name being the process's own choice.
 * @param status `/proc/<pid>/status`.
 *
 * Source: proc_pid_stat(5), proc_pid_status(5).
 */
export function parseProcess(stat: string, status: string): ProcessReading {
  return {
    ...parseStat(stat),
    residentBytes: kibibytes(status, "VmRSS:") * 1024,
    peakResidentBytes: kibibytes(status, "VmHWM:") * 1024,
  };
}

function parseStat(stat: string) {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = (field: number) => Number(fields[field]);
  return {
    pid: Number.parseInt(stat, 10),
    // Counted from the state, which is field 3 in the manual.
    parentPid: ticks(1),
    ownCpuS: (ticks(11) + ticks(12)) / ticksPerSecond,
    waitedCpuS: (ticks(13) + ticks(14)) / ticksPerSecond,
    startTicks: fields[19] ?? "",
  };
}

function kibibytes(status: string, name: string): number {
  const at = status.indexOf(`\n${name}`);
  return at === -1 ? 0 : Number.parseInt(status.slice(at + name.length + 1), 10);
}
