import { type ChildProcess, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { ExecutorError, type OutputSink } from "../executor.ts";
import { closeChildEnd, type OutputPipeFactory } from "./output-pipes.ts";
import { markVariable } from "./process-mark.ts";

/** A shell that waits for its script, in a process group of its own. */
export interface ShellProcess {
  readonly pid: number;
  readonly mark: string;
  /** Monotonic; not after its process began. */
  readonly startedAtMs: number;
  /** Resolves when the shell is gone; never rejects. */
  readonly exited: Promise<ShellExit>;
  readonly hasExited: boolean;
  /** Sends the script and the end of input. Once. */
  feed(script: string): void;
  /** Begins to hand on output, each stream in order, waiting for the sink. @returns when both streams have ended. */
  pump(onStdout: OutputSink, onStderr: OutputSink): Promise<void>;
  /** Gives up output that still comes: from processes that outlive the shell. */
  detach(): void;
}

export interface ShellExit {
  readonly exitCode: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
}

export interface ShellStart {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  readonly mark: string;
  readonly pipes: OutputPipeFactory;
}

/** @throws {ExecutorError} when the program cannot be started. */
export async function startShell(start: ShellStart): Promise<ShellProcess> {
  const [program, ...programArguments] = start.command;
  if (program === undefined) throw new ExecutorError("no shell to start: its command is empty");
  const stdout = await start.pipes.open();
  const stderr = await start.pipes.open();
  const startedAtMs = performance.now();
  let child: ChildProcess;
  try {
    child = spawn(program, programArguments, {
      cwd: start.workingDirectory,
      detached: true,
      env: { ...start.environment, [markVariable]: start.mark },
      stdio: ["pipe", stdout.childFd, stderr.childFd],
    });
  } finally {
    closeChildEnd(stdout);
    closeChildEnd(stderr);
  }
  const exited = exitOf(child);
  const pid = child.pid;
  if (pid === undefined) {
    stdout.source.destroy();
    stderr.source.destroy();
    const { error } = await exited;
    throw new ExecutorError(`failed to start process: ${program}: ${error?.message ?? "unknown error"}`, {
      cause: error,
    });
  }
  // A shell that ends without having read its whole script is no fault.
  child.stdin?.on("error", () => undefined);
  return {
    pid,
    mark: start.mark,
    startedAtMs,
    exited,
    get hasExited() {
      return child.exitCode !== null || child.signalCode !== null;
    },
    feed: (script) => child.stdin?.end(script),
    async pump(onStdout, onStderr) {
      await Promise.all([handOn(stdout.source, onStdout), handOn(stderr.source, onStderr)]);
    },
    detach() {
      stdout.source.destroy();
      stderr.source.destroy();
    },
  };
}

function exitOf(child: ChildProcess): Promise<ShellExit & { error?: Error }> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve({ exitCode: undefined, signal: undefined, error }));
    child.once("exit", (code, signal) => resolve({ exitCode: code ?? undefined, signal: signal ?? undefined }));
  });
}

/** Reads no faster than the sink takes, so that a full pipe makes the process wait. */
function handOn(source: Readable, sink: OutputSink): Promise<void> {
  return new Promise((resolve) => {
    source.on("data", (chunk: Buffer) => {
      const wait = sink(chunk);
      if (wait === undefined) return;
      source.pause();
      wait.then(
        () => source.resume(),
        () => source.destroy(),
      );
    });
    source.once("error", () => resolve());
    source.once("close", () => resolve());
  });
}
