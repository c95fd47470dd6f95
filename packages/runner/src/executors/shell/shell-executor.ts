import { createHash } from "node:crypto";
import { mkdir, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Log } from "@jobscope/labkit";
import type { Executor, SweepReport } from "../executor.ts";
import { createFunctionProcesses } from "./function-processes.ts";
import { createOutputPipeFactory } from "./output-pipes.ts";
import { createMarker, findMarkedProcesses } from "./process-mark.ts";
import { createRetiringShells } from "./retiring-shells.ts";
import { createShellAhead } from "./shell-ahead.ts";
import { startShell } from "./shell-process.ts";
import { createShellPrograms } from "./shell-programs.ts";
import { createShellSession } from "./shell-session.ts";
import { createSpareShells } from "./spare-shells.ts";
import { defaultStopLimits, type StopLimits, stopProcesses } from "./stop-processes.ts";

export interface ShellExecutorOptions {
  readonly log: Log;
  /** The environment that job scripts begin with: the runner process's own (runner-protocol.md §3.1). */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Directory that job scripts begin in: the runner process's own. */
  readonly workingDirectory: string;
  /** What tells this runner from others of the machine and stays the same when it is started again: its config file, say. */
  readonly identity: string;
  /** How long processes are waited for when they are told to end. Default: runner-protocol.md §2.8. */
  readonly stopLimits?: Partial<StopLimits>;
  /** Directory for the names of pipes. Default: the system's for temporary files. */
  readonly temporaryDirectory?: string;
}

/** Runs job scripts as processes of this machine, each in a process group of its own. */
export async function createShellExecutor(options: ShellExecutorOptions): Promise<Executor> {
  const owner = createHash("sha256").update(options.identity).digest("hex").slice(0, 16);
  const stopLimits = { ...defaultStopLimits, ...options.stopLimits };
  const temporaryDirectory = options.temporaryDirectory ?? tmpdir();
  const marker = createMarker(owner);
  const pipesPrefix = `jobscope-pipes-${owner}-`;
  await mkdir(temporaryDirectory, { recursive: true });
  const pipes = createOutputPipeFactory(temporaryDirectory, `${pipesPrefix}${process.pid}-`);
  const politeLimits = { ...stopLimits, graceMs: Math.min(stopLimits.graceMs, 5_000) };
  const retiring = createRetiringShells(politeLimits);
  const programs = createShellPrograms(options.environment["PATH"]);
  const spares = createSpareShells(retiring.retire);
  const sessions = new Set<AsyncDisposable>();
  let lastCommand: readonly string[] | undefined;
  const startOf = (command: readonly string[]) => () => {
    const { environment, workingDirectory } = options;
    return startShell({ command, environment, workingDirectory, mark: marker.newMark(), pipes });
  };

  return {
    name: "shell",
    exitWord: "status",
    async sweep(): Promise<SweepReport> {
      await removeOldPipes(temporaryDirectory, pipesPrefix);
      const orphans: number[] = [];
      for (const [pid, mark] of await findMarkedProcesses()) {
        if (marker.isOrphaned(mark)) orphans.push(pid);
      }
      const endedProcesses = await stopProcesses(orphans, politeLimits);
      if (endedProcesses > 0) options.log.warn("processes of an earlier run were ended", { count: endedProcesses });
      return { endedProcesses };
    },
    async prepare(request, { signal }) {
      signal.throwIfAborted();
      const { environment } = options;
      const command = request.shellCommand;
      await programs.require(command[0] ?? "");
      lastCommand = command;
      const session = createShellSession({
        request,
        shellAhead: createShellAhead(startOf(command), retiring.retire, spares.take(command)),
        createFunctionProcesses: (tempDir) =>
          createFunctionProcesses({
            mark: marker.newMark(),
            path: environment["PATH"],
            tempDir,
            graceMs: politeLimits.graceMs,
          }),
        stopLimits,
        log: options.log,
        onDispose: (disposed) => sessions.delete(disposed),
      });
      sessions.add(session);
      return session;
    },
    expectJob(isExpected) {
      if (!isExpected) spares.release();
      else if (lastCommand !== undefined) spares.add(lastCommand, startOf(lastCommand));
    },
    async [Symbol.asyncDispose]() {
      spares.release();
      await Promise.all([...sessions].map((session) => session[Symbol.asyncDispose]()));
      await retiring.settled();
      await pipes[Symbol.asyncDispose]();
    },
  };
}

/** Directories of runner processes that were killed. */
async function removeOldPipes(parent: string, prefix: string): Promise<void> {
  for (const name of await readdir(parent).catch(() => [])) {
    if (!name.startsWith(prefix)) continue;
    const pid = Number(name.slice(prefix.length).split("-", 1)[0]);
    if (pid !== process.pid && !isAlive(pid)) await rm(path.join(parent, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
