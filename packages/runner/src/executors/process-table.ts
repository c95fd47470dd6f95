import { readdirSync, readFileSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";

/** What Linux tells of a process in `/proc/<pid>/stat`. Elsewhere nothing is known: every answer here is then empty. */
export interface ProcessStat {
  /** True when the process has ended and only its parent has not asked yet. */
  readonly isZombie: boolean;
  readonly groupId: number;
  /** Ticks since boot at which it began; with the pid this names a process for good. */
  readonly startTime: string;
}

export function processStat(pid: number): ProcessStat | undefined {
  const stat = readProcessFile(pid, "stat");
  if (stat === "") return undefined;
  // The name in brackets may hold spaces and brackets; the fields after the last one are plain.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { isZombie: fields[0] === "Z" || fields[0] === "X", groupId: Number(fields[2]), startTime: fields[19] ?? "" };
}

/**
 * A file of `/proc/<pid>`; empty when the process is gone or another user's.
 *
 * Read synchronously: no disk is behind it, and a scan of 88 processes takes 2 ms so and 17 ms through the thread pool.
 */
export function readProcessFile(pid: number, name: "stat" | "environ"): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "latin1");
  } catch {
    return "";
  }
}

/**
 * Asks about processes other than our own, letting other work run in between.
 *
 * @param among default: all there are.
 */
export async function scanProcesses(visit: (pid: number) => void, among?: readonly number[]): Promise<void> {
  const pids = among ?? listPids();
  for (const [index, pid] of pids.entries()) {
    if (index % 64 === 63) await nextTurn();
    visit(pid);
  }
}

/** Members of a process group that have not ended. @param among see `scanProcesses`. */
export async function livingMembers(groupId: number, among?: readonly number[]): Promise<number[]> {
  const members: number[] = [];
  await scanProcesses((pid) => {
    const stat = processStat(pid);
    if (stat?.groupId === groupId && !stat.isZombie) members.push(pid);
  }, among);
  return members;
}

/** Up to so many numbers are asked about one by one; beyond, what there is is listed. */
const fewPids = 256;
/** Too short a time for the kernel to get round all its numbers, of which it has 32,768 at least. */
const shortMs = 1_000;

/**
 * The numbers that processes can have which began with `firstPid` or after it, of which most are free again.
 *
 * Linux gives numbers out in ascending order, and says which one came last. So after a job of a few milliseconds a
 * dozen are to be asked about instead of all processes of the machine.
 *
 * @param elapsedMs time since that process began, at most.
 * @returns `undefined` when they are too many or cannot be known.
 */
export function pidsSince(firstPid: number, elapsedMs: number): readonly number[] | undefined {
  if (elapsedMs > shortMs) return undefined;
  const lastPid = newestPid();
  const count = lastPid - firstPid + 1;
  if (count < 1 || count > fewPids) return undefined;
  return Array.from({ length: count }, (_, index) => firstPid + index);
}

/** The last field of `/proc/loadavg`; 0 where it is not told. */
function newestPid(): number {
  try {
    return Number(readFileSync("/proc/loadavg", "latin1").trim().split(" ").at(-1));
  } catch {
    return 0;
  }
}

function listPids(): number[] {
  try {
    return readdirSync("/proc")
      .map(Number)
      .filter((pid) => Number.isInteger(pid) && pid !== process.pid);
  } catch {
    return [];
  }
}
