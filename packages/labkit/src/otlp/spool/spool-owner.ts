import { readFile, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";

/** Who writes in an instance's folder. Enough to tell a process from a later one with the same number. */
interface Owner {
  readonly pid: number;
  readonly host: string;
  /** Changes with every start of the machine. Empty where the system has none. */
  readonly bootId: string;
  /** Clock ticks between the machine's start and the process's. Empty where the system does not tell. */
  readonly processStart: string;
}

const ownerFile = "owner.json";
/** How often a living process says so, for processes on other hosts that see the same volume. */
export const heartbeatMs = 10_000;
/** Six missed heartbeats; a process on another host counts as gone. */
const goneAfterMs = 60_000;

export async function writeOwner(folder: string): Promise<void> {
  await writeFile(join(folder, ownerFile), JSON.stringify(await describe(process.pid)), { mode: 0o600 });
}

export async function beat(folder: string): Promise<void> {
  const now = new Date();
  await utimes(join(folder, ownerFile), now, now);
}

/** Whether nobody writes in the folder any more. A folder without an owner was let go, or never taken. */
export async function isAbandoned(folder: string): Promise<boolean> {
  try {
    const path = join(folder, ownerFile);
    const [text, { mtimeMs }] = await Promise.all([readFile(path, "utf8"), stat(path)]);
    const owner = JSON.parse(text) as Owner;
    if (owner.host !== hostname()) return Date.now() - mtimeMs > goneAfterMs;
    return !isSame(owner, await describe(owner.pid));
  } catch {
    return true; // No owner file, or one that was torn by a crash.
  }
}

function isSame(a: Owner, b: Owner | undefined): boolean {
  return b !== undefined && a.bootId === b.bootId && a.processStart === b.processStart;
}

async function describe(pid: number): Promise<Owner | undefined> {
  if (!isRunning(pid)) return undefined;
  const [bootId, processStatus] = await Promise.all([
    readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => ""),
    readFile(`/proc/${pid}/stat`, "utf8").catch(() => ""),
  ]);
  // Field 22 of proc(5), counted after the command's name, which may hold anything but is in parentheses.
  const processStart = processStatus.slice(processStatus.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  return { pid, host: hostname(), bootId: bootId.trim(), processStart };
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It runs, but is somebody else's.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
