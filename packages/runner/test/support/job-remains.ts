import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { findMarkedProcesses } from "../../src/executors/shell/process-mark.ts";

/** Command lines of living processes that belong to jobs of that runner process. */
export async function processesOfJobs(runnerPid: number): Promise<string[]> {
  const commands: string[] = [];
  for (const [pid, mark] of await findMarkedProcesses()) {
    if (mark.split(".")[1] !== String(runnerPid)) continue;
    const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    if (command !== "") commands.push(command.replaceAll("\0", " ").trim());
  }
  return commands;
}

/** Files that no ended job may leave: beside its project, and in the register of jobs. */
export async function filesOfJobs(directory: string): Promise<string[]> {
  const builds = path.join(directory, "builds");
  const entries = existsSync(builds) ? await readdir(builds, { recursive: true, withFileTypes: true }) : [];
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(path.relative(builds, entry.parentPath), entry.name))
    .filter((name) => name.startsWith(".jobscope-jobs") || /\.tmp\/[^/]+$/.test(name))
    .toSorted();
}

/** What a runner left in its directory for temporary files. */
export async function leftInTemporary(directory: string): Promise<string[]> {
  return (await readdir(directory)).filter((name) => name.startsWith("jobscope-")).toSorted();
}
