import { existsSync } from "node:fs";
import { hostname } from "node:os";
import type { Log } from "@jobscope/labkit";
import type { ExecutorSession, ScriptOutcome, ScriptRun, SessionRequest } from "../executor.ts";
import { livingMembers, pidsSince } from "../process-table.ts";
import { within } from "../within.ts";
import type { FunctionProcesses } from "./function-processes.ts";
import { findMarkedProcesses } from "./process-mark.ts";
import type { ShellAhead } from "./shell-ahead.ts";
import type { ShellExit, ShellProcess } from "./shell-process.ts";
import { isGroupAlive, type StopLimits, signalGroup, stopGroup, stopProcesses } from "./stop-processes.ts";

export interface ShellSessionOptions {
  readonly request: SessionRequest;
  readonly shellAhead: ShellAhead;
  readonly createFunctionProcesses: (tempDir: string) => Promise<FunctionProcesses>;
  readonly stopLimits: StopLimits;
  readonly log: Log;
  readonly onDispose: (session: ExecutorSession) => void;
}

/** A script shorter than this is read sooner byte by byte than the preamble and it would be. */
const longScriptBytes = 1024;

/**
 * After the shell is gone: how long its output may still be held open by a process it left in the background. GitLab's
 * runner waits until the job's timeout; here the process is ended.
 */
const backgroundOutputMs = 2_000;

/** The same after a shell that was killed: what it began was not left in the background by intention. */
const orphanedOutputMs = 100;

/** At the end of the job, what was left in the background gets this long between SIGTERM and SIGKILL. */
const leftoverGraceMs = 5_000;

/** How often leftovers are looked for, each time after those found were ended. */
const maxLeftoverLooks = 5;

export function createShellSession(options: ShellSessionOptions): ExecutorSession {
  const { request, shellAhead, stopLimits, log } = options;
  /** Every shell of this session, whose group or mark may still have processes. */
  const shells: ShellProcess[] = [];
  const functions: FunctionProcesses[] = [];
  let isDisposed = false;

  async function run(script: ScriptRun, { signal }: { readonly signal: AbortSignal }): Promise<ScriptOutcome> {
    // The shell that waits has begun nothing and needs no signal.
    if (signal.aborted) return { kind: "killed", signal: "SIGTERM" };
    const shell = await shellAhead.take();
    shells.push(shell);
    const pumping = shell.pump(script.onStdout, script.onStderr);
    script.onStart?.(shell.pid);
    const isLong = request.preamble !== "" && script.text.length > longScriptBytes;
    shell.feed(isLong ? request.preamble + script.text : script.text);
    if (script.isFollowed === true) shellAhead.prepare();
    const exit = await exitOrStop(shell, signal);
    if (exit === "stuck") {
      shell.detach();
      return { kind: "stuck", pid: shell.pid };
    }
    await drainOutput(shell, pumping, { stageName: script.stageName, wasKilled: exit.signal !== undefined });
    return outcomeOf(exit);
  }

  async function exitOrStop(shell: ShellProcess, signal: AbortSignal): Promise<ShellExit | "stuck"> {
    const aborted = Promise.withResolvers<void>();
    const onAbort = () => aborted.resolve();
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      await Promise.race([shell.exited, aborted.promise]);
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
    if (!shell.hasExited && signal.aborted) {
      const isGone = await stopGroup(shell.pid, shell.exited, stopLimits);
      if (!isGone) return "stuck";
    }
    return shell.exited;
  }

  /** Waits for the rest of the output; ends background processes that hold it open. */
  async function drainOutput(
    shell: ShellProcess,
    pumping: Promise<void>,
    { stageName, wasKilled }: { readonly stageName: string; readonly wasKilled: boolean },
  ): Promise<void> {
    if (await within(wasKilled ? orphanedOutputMs : backgroundOutputMs, pumping)) return;
    log.info("background processes of a script held its output open and were ended", { "ci.stage.name": stageName });
    if (isGroupAlive(shell.pid)) signalGroup(shell.pid, "SIGTERM");
    if (await within(backgroundOutputMs, pumping)) return;
    signalGroup(shell.pid, "SIGKILL");
    if (!(await within(500, pumping))) shell.detach();
    await pumping;
  }

  shellAhead.prepare();
  const session: ExecutorSession = {
    place: { hostname: hostname(), via: undefined, isFresh: false },
    run,
    async functionProcesses({ tempDir }) {
      const processes = await options.createFunctionProcesses(tempDir);
      functions.push(processes);
      return processes.host;
    },
    async [Symbol.asyncDispose]() {
      if (isDisposed) return;
      isDisposed = true;
      options.onDispose(session);
      shellAhead.release();
      if (shells.length === 0 && functions.length === 0) return;
      const limits = { ...stopLimits, graceMs: Math.min(stopLimits.graceMs, leftoverGraceMs) };
      let count = 0;
      // One that starts others while they are counted leaves some for the next look.
      for (let look = 0; look < maxLeftoverLooks; look += 1) {
        const leftovers = await findLeftovers(shells, functions);
        if (leftovers.length === 0) break;
        await stopProcesses(leftovers, limits);
        count += leftovers.length;
      }
      if (count > 0) log.info("processes that a job left behind were ended", { count });
    },
  };
  return session;
}

/** Living processes of the shells' and functions' groups, and of those that left them. */
async function findLeftovers(
  shells: readonly ShellProcess[],
  functions: readonly FunctionProcesses[],
): Promise<number[]> {
  const marks = new Set([...shells, ...functions].map(({ mark }) => mark));
  const [first] = shells;
  const isKnown = first !== undefined && functions.length === 0;
  const among = isKnown ? pidsSince(first.pid, performance.now() - first.startedAtMs) : undefined;
  const marked = await findMarkedProcesses(among);
  const pids = [...marked].filter(([, mark]) => marks.has(mark)).map(([pid]) => pid);
  // A member of the group that cleared its environment is still found, and all of them where there is no /proc.
  const groups = [...shells.map(({ pid }) => pid), ...functions.flatMap((processes) => processes.groups())];
  for (const leader of groups.filter(isGroupAlive)) {
    pids.push(...(existsSync("/proc/self/stat") ? await livingMembers(leader, among) : [-leader]));
  }
  return [...new Set(pids)];
}

function outcomeOf(exit: ShellExit): ScriptOutcome {
  if (exit.signal !== undefined) return { kind: "killed", signal: exit.signal };
  return { kind: "exited", exitCode: exit.exitCode ?? 1 };
}
