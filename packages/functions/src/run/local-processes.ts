import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join, resolve } from "node:path";
import { createLocalFiles } from "./local-files.ts";
import { OutputPipe } from "./output-pipe.ts";
import { type ProcessCommand, type ProcessExit, type ProcessHost, ProcessStartError } from "./process-host.ts";

export interface LocalProcessesOptions {
  /** The engine's own `PATH`, searched after the step's (ci-functions.md §5.2). Default: the system's usual directories. */
  readonly path?: string;
  /** Between SIGTERM and SIGKILL. Default 5,000 (§5.2). */
  readonly graceMs?: number;
  /** Directory for output, export and variable files, absolute; a private one is made inside. Default: the system's. */
  readonly tempDir?: string;
  /** Told of each command's process, which leads a process group of its own. */
  readonly onStart?: (pid: number) => void;
}

const defaultGraceMs = 5_000;
const defaultPath = "/usr/local/bin:/usr/bin:/bin";

/**
 * Runs commands on this machine, each in a process group of its own. A command has ended when its first process has:
 * what it left in the background keeps running, as under the shell executor. Linux and macOS.
 *
 * One command at a time; dispose it when the job is over.
 */
export function createLocalProcesses(options: LocalProcessesOptions = {}): ProcessHost {
  let opening: Promise<OutputPipe> | undefined;
  return {
    files: createLocalFiles(options.tempDir),
    foreign: undefined,
    async run(command) {
      opening ??= OutputPipe.open();
      return await runProcess(command, await opening, options);
    },
    findProgram: async (candidates, path) => findFirst(candidates, [path, options.path ?? defaultPath]),
    async [Symbol.asyncDispose]() {
      const pipe = await opening?.catch(() => undefined);
      pipe?.[Symbol.dispose]();
      opening = undefined;
    },
  };
}

async function runProcess(
  command: ProcessCommand,
  pipe: OutputPipe,
  options: LocalProcessesOptions,
): Promise<ProcessExit> {
  const [program, ...args] = command.command;
  const file = findProgramFile(command, options);
  pipe.attach(command.output);
  const child = spawn(file, args, {
    argv0: program,
    cwd: command.workDir,
    env: command.env,
    stdio: ["ignore", pipe.writeFd, pipe.writeFd],
    detached: true, // a process group of its own, so that a cancel reaches what the command started
  });
  if (child.pid !== undefined) options.onStart?.(child.pid);
  const exit = await exitOf(child, command, options.graceMs ?? defaultGraceMs);
  await pipe.drain();
  return exit;
}

function findProgramFile(command: ProcessCommand, options: LocalProcessesOptions): string {
  const [program] = command.command;
  if (!statSync(command.workDir, { throwIfNoEntry: false })?.isDirectory()) {
    throw new ProcessStartError(`working directory ${command.workDir} does not exist`);
  }
  if (program.includes("/")) return isAbsolute(program) ? program : resolve(command.workDir, program);
  const found = findFirst([program], [command.env["PATH"], options.path ?? defaultPath]);
  if (found !== undefined) return found;
  throw new ProcessStartError(`${JSON.stringify(program)}: executable file not found in PATH`);
}

function exitOf(child: ChildProcess, command: ProcessCommand, graceMs: number): Promise<ProcessExit> {
  const { promise, resolve: settle, reject } = Promise.withResolvers<ProcessExit>();
  let killTimer: NodeJS.Timeout | undefined;
  const terminate = () => {
    signalGroup(child, "SIGTERM");
    killTimer = setTimeout(() => signalGroup(child, "SIGKILL"), graceMs);
  };
  const release = () => {
    clearTimeout(killTimer);
    command.signal.removeEventListener("abort", terminate);
  };
  child.once("error", (error: NodeJS.ErrnoException) => {
    release();
    reject(new ProcessStartError(describeStartFailure(command.command[0], error.code), { cause: error }));
  });
  child.once("exit", (code, killedBy) => {
    release();
    if (killTimer !== undefined) signalGroup(child, "SIGKILL"); // what ignored the polite signal must not outlive the job
    settle({ exitCode: code ?? -1, killedBy: killedBy ?? undefined });
  });
  if (command.signal.aborted) terminate();
  else command.signal.addEventListener("abort", terminate, { once: true });
  return promise;
}

function describeStartFailure(program: string, code: string | undefined): string {
  const name = JSON.stringify(program);
  if (code === "ENOENT") return `${name}: no such file, or its interpreter is missing`;
  if (code === "EACCES") return `${name}: permission denied, is it executable?`;
  if (code === "E2BIG") return `${name}: arguments and environment are too long`;
  if (code === "ENOEXEC") return `${name}: not an executable format`;
  return `${name}: cannot be started (${code ?? "unknown"})`;
}

/** The group lives on while any member does, also after its leader has gone. */
function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // nobody is left in the group
  }
}

function findFirst(candidates: readonly string[], paths: readonly (string | undefined)[]): string | undefined {
  const directories = paths.flatMap((path) => path?.split(delimiter) ?? []).filter(isAbsolute);
  return candidates
    .flatMap((candidate) =>
      isAbsolute(candidate) ? [candidate] : directories.map((directory) => join(directory, candidate)),
    )
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
