import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { z } from "zod";
import { processStat } from "../executors/process-table.ts";
import type { BuildDirectories } from "./build-directories.ts";

/** Below a builds directory: a file for each job under way, so that a killed runner's jobs can be cleaned up after. */
const registerName = ".jobscope-jobs";

/** One file of the register. */
const registration = z.object({ pid: z.number(), startTime: z.string(), temporary: z.string() });

/** A job in the register. */
export interface JobRegistration extends AsyncDisposable {
  /** Resolves when it is there; before that the job must write no file. */
  readonly noted: Promise<void>;
}

/**
 * Notes that a job of this process works in these directories. Disposal removes what the job wrote beside its project,
 * file variables above all, also when it was aborted and its `cleanup_file_variables` did not run.
 */
export function registerJob(jobId: number, directories: BuildDirectories): JobRegistration {
  const file = path.join(directories.root, registerName, `${jobId}-${process.pid}.json`);
  const { temporary } = directories;
  const noted = note(file, { pid: process.pid, startTime: startTimeOf(process.pid), temporary });
  // Whoever waits for it hears of its failure; one that does not even begin must not end the process.
  noted.catch(() => {});
  return {
    noted,
    async [Symbol.asyncDispose]() {
      await noted.catch(() => {});
      await removeFiles(temporary);
      await rm(file, { force: true });
    },
  };
}

/** The register is nearly always there: it is made when writing says that it is not. */
async function note(file: string, entry: z.output<typeof registration>): Promise<void> {
  const text = JSON.stringify(entry);
  try {
    await writeFile(file, text);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
  }
}

/**
 * Removes what jobs left whose runner process was killed: files beside their projects, parts of logs and of downloads.
 *
 * @param buildsDirectories of all runners of the configuration.
 * @returns how many jobs had left something.
 */
export async function sweepJobLeftovers(buildsDirectories: readonly string[]): Promise<number> {
  let count = 0;
  for (const root of new Set(buildsDirectories)) {
    const register = path.join(root, registerName);
    for (const name of await readdir(register).catch(() => [])) {
      if (await sweepJob(root, path.join(register, name))) count += 1;
    }
  }
  await sweepTemporaryDirectories();
  return count;
}

/** Prefix of temporary directories of this process, by which a later one knows whether they are still used. */
export function temporaryPrefix(kind: "log" | "artifacts" | "functions"): string {
  return `jobscope-${kind}-${process.pid}-`;
}

async function sweepJob(root: string, file: string): Promise<boolean> {
  const text = await readFile(file, "utf8").catch(() => "");
  const parsed = registration.safeParse(parseJson(text));
  if (parsed.data !== undefined) {
    const { pid, startTime, temporary } = parsed.data;
    if (startTimeOf(pid) === startTime) return false;
    const isInside = !path.relative(root, temporary).startsWith("..");
    if (isInside && temporary.endsWith(".tmp")) await removeFiles(temporary);
  }
  await rm(file, { force: true });
  return parsed.success;
}

async function sweepTemporaryDirectories(): Promise<void> {
  for (const name of await readdir(tmpdir()).catch(() => [])) {
    const pid = /^jobscope-(?:log|artifacts|functions)-(\d+)-/.exec(name)?.[1];
    if (pid === undefined || processStat(Number(pid)) !== undefined) continue;
    await rm(path.join(tmpdir(), name), { recursive: true, force: true });
  }
}

/** Directories stay: the template of git is used again. */
async function removeFiles(temporary: string): Promise<void> {
  const entries = await readdir(temporary, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) if (!entry.isDirectory()) await rm(path.join(temporary, entry.name), { force: true });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function startTimeOf(pid: number): string {
  return processStat(pid)?.startTime ?? "";
}
