import { PassThrough, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type Dockerode from "dockerode";
import type { OutputSink, ScriptOutcome, ScriptRun } from "../../executor.ts";
import { within } from "../../within.ts";
import { type Engine, engineFailure, engineStatus, isNotFound } from "../engine.ts";
import { createContainer, type VanishedContainer } from "./build-container.ts";
import { measureContainer, type UsageMeter, usageBetween } from "./container-usage.ts";
import { execInContainer, type RunningExec } from "./exec-in-container.ts";
import { removeContainer } from "./stop-container.ts";

/** A program to run in the helper container. */
export interface HelperProgram {
  readonly command: readonly string[];
  readonly stdin: Readable;
  readonly onStdout: OutputSink;
  readonly onStderr: OutputSink;
}

/**
 * Where the stages of ours run. One container, started when it is first needed and running until the job ends: a stage
 * then costs the start of a process, not that of a container (docs/adr/0007).
 */
export interface HelperContainer {
  /** Starts it ahead of its first use. Failures are told to whoever uses it. */
  warmUp(): void;
  /** A helper that is gone before the program started is `vanished`; the next call gets another. */
  run(script: Pick<ScriptRun, "text" | "onStdout" | "onStderr">, signal: AbortSignal): Promise<HelperOutcome>;
  runProgram(program: HelperProgram, signal: AbortSignal): Promise<HelperOutcome>;
  remove(): Promise<void>;
}

export type HelperOutcome = ScriptOutcome | VanishedContainer;

export interface HelperContainerOptions {
  readonly engine: Engine;
  readonly createOptions: Dockerode.ContainerCreateOptions;
  /** Makes files of the helper open to every user: `umask 0000` ahead of its programs (runner-protocol.md §4.3). */
  readonly opensFiles: boolean;
  readonly keepsVolumes: boolean;
  /** How long the engine may take to end it before a job goes on without its answer. */
  readonly patienceMs: number;
}

/** Waits for nothing, and for the children of processes that ended before theirs. */
export const idleCommand: readonly string[] = [
  "sh",
  "-c",
  "trap 'exit 0' TERM; while :; do sleep 86400 & wait $!; done",
];

export function createHelperContainer(options: HelperContainerOptions): HelperContainer {
  const { engine, createOptions, opensFiles, keepsVolumes, patienceMs } = options;
  const withUmask = opensFiles ? ["sh", "-c", 'umask 0000; exec "$@"', "sh"] : [];
  let started: Promise<Dockerode.Container> | undefined;
  let meter: UsageMeter | undefined;

  function start(): Promise<Dockerode.Container> {
    if (started === undefined) {
      started = startHelper();
      started.catch(() => {
        started = undefined;
      });
    }
    return started;
  }

  async function startHelper(): Promise<Dockerode.Container> {
    const container = await createContainer(engine, createOptions);
    try {
      await container.start();
      meter = measureContainer(container);
      return container;
    } catch (error) {
      await removeContainer(container, { keepsVolumes }).catch(() => undefined);
      throw engineFailure("cannot start the helper container", error);
    }
  }

  async function runProgram(program: HelperProgram, signal: AbortSignal): Promise<HelperOutcome> {
    if (signal.aborted) return { kind: "killed", signal: "SIGTERM" };
    const container = await start();
    const { onStdout, onStderr } = program;
    const command = [...withUmask, ...program.command];
    let exec: RunningExec;
    try {
      exec = await execInContainer(container, { command, onStdout, onStderr });
    } catch (error) {
      if (!isGone(error)) throw engineFailure("cannot run a program in the helper container", error);
      await remove();
      return { kind: "vanished", containerId: container.id };
    }
    // The engine cannot end a single process of a container: the whole helper goes, the next stage gets another.
    const stop = () => void within(patienceMs, remove()).then((isGone) => isGone || exec.detach());
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    try {
      pipeline(program.stdin, exec.stdin).catch(() => undefined);
      const exitCode = await exec.exited;
      return { kind: "exited", exitCode };
    } catch (error) {
      if (signal.aborted) return { kind: "killed", signal: "SIGKILL" };
      if (isGone(error)) await remove();
      throw engineFailure("lost the helper container", error);
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  /** Removed, or 409: it does not run any more. */
  function isGone(error: unknown): boolean {
    return isNotFound(error) || engineStatus(error) === 409;
  }

  async function remove(): Promise<void> {
    const container = await started?.catch(() => undefined);
    started = undefined;
    meter?.stop();
    if (container !== undefined) await removeContainer(container, { keepsVolumes });
  }

  return {
    warmUp: () => void start().catch(() => undefined),
    remove,
    runProgram,
    async run({ text, onStdout, onStderr }, signal) {
      if (signal.aborted) return { kind: "killed", signal: "SIGTERM" };
      await start();
      const stdin = new PassThrough();
      stdin.end(text);
      const before = meter?.look();
      const outcome = await runProgram({ command: ["sh"], stdin, onStdout, onStderr }, signal);
      if (outcome.kind !== "exited" || before === undefined || meter === undefined) return outcome;
      return { ...outcome, usage: { ...usageBetween(before, meter.look()), isOutOfMemory: false } };
    },
  };
}
