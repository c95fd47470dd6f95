import type { Duplex } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import type Dockerode from "dockerode";
import type { ScriptOutcome, ScriptRun } from "../../executor.ts";
import { within } from "../../within.ts";
import { type Engine, engineFailure, engineMessage, engineStatus, isNotFound, misconfigured } from "../engine.ts";
import { measureContainer } from "./container-usage.ts";
import { demultiplex } from "./demultiplex.ts";
import { type ContainerStopLimits, removeContainer, stopContainer } from "./stop-container.ts";

export interface BuildContainerOptions {
  readonly engine: Engine;
  /** Everything of the container but its name's uniqueness: made once, and again when it is gone. */
  readonly createOptions: Dockerode.ContainerCreateOptions;
  readonly stopLimits: ContainerStopLimits;
  readonly keepsVolumes: boolean;
}

/** The container is gone although nobody of ours removed it. */
export interface VanishedContainer {
  readonly kind: "vanished";
  readonly containerId: string;
}

/** Runs scripts in the job's image: one container, started again for each of them. */
export interface BuildContainer {
  /** Makes the container ahead of its first script, so that its files can be written. */
  create(): Promise<Dockerode.Container>;
  /** @throws {ExecutorError} when it cannot be made or started. */
  run(script: ScriptRun, signal: AbortSignal): Promise<ScriptOutcome | VanishedContainer>;
  remove(): Promise<void>;
}

/** Rule: runner-protocol.md §4.3, §4.4. */
export function createBuildContainer(options: BuildContainerOptions): BuildContainer {
  const { engine, createOptions, stopLimits, keepsVolumes } = options;
  let created: Promise<Dockerode.Container> | undefined;

  function create(): Promise<Dockerode.Container> {
    created ??= createContainer(engine, createOptions);
    created.catch(() => {
      created = undefined;
    });
    return created;
  }

  async function remove(): Promise<void> {
    const container = await created?.catch(() => undefined);
    created = undefined;
    if (container === undefined) return;
    try {
      await removeContainer(container, { keepsVolumes });
    } catch (error) {
      // To be tried again by whoever removes what is left of the job.
      created ??= Promise.resolve(container);
      throw error;
    }
  }

  return {
    create,
    remove,
    async run(script, signal) {
      const container = await create();
      const outcome = await runScript(container, script, { signal, stopLimits, shell: createOptions.Cmd?.[0] ?? "" });
      // What a stop left of its state is not for a later stage.
      if (signal.aborted || outcome.kind === "vanished") await within(2 * stopLimits.patienceMs, remove());
      return outcome;
    },
  };
}

/** Makes a container; one of the same name, which can only be a leftover, gives way. */
export async function createContainer(
  engine: Engine,
  options: Dockerode.ContainerCreateOptions,
): Promise<Dockerode.Container> {
  try {
    return await engine.createContainer(options);
  } catch (error) {
    if (engineStatus(error) !== 409 || options.name === undefined)
      throw engineFailure("cannot make a container", error);
    await removeContainer(engine.getContainer(options.name), { keepsVolumes: false });
    return engine.createContainer(options);
  }
}

async function runScript(
  container: Dockerode.Container,
  script: ScriptRun,
  options: { readonly signal: AbortSignal; readonly stopLimits: ContainerStopLimits; readonly shell: string },
): Promise<ScriptOutcome | VanishedContainer> {
  const { signal, stopLimits, shell } = options;
  if (signal.aborted) return { kind: "killed", signal: "SIGTERM" };
  let stream: Duplex;
  try {
    // Attached before it starts: nothing that it prints is lost.
    stream = (await container.attach({
      stream: true,
      stdin: true,
      stdout: true,
      stderr: true,
      hijack: true,
    })) as Duplex;
    stream.on("error", () => undefined);
    await container.start();
  } catch (error) {
    if (isNotFound(error) && !isMissingProgram(error)) return { kind: "vanished", containerId: container.id };
    throw startFailure(error, shell);
  }
  const meter = measureContainer(container);
  const stop = () => {
    const limitMs = stopLimits.termMs + stopLimits.stopS * 1000 + stopLimits.patienceMs;
    void within(limitMs, stopContainer(container, stopLimits)).then((isStopped) => {
      // An engine that no longer answers must not hold the job: its output is given up.
      if (!isStopped) stream.destroy();
    });
  };
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    stream.end(script.text);
    await demultiplex(stream, script.onStdout, script.onStderr);
    const usage = meter.stop();
    const state = await stateAtEnd(container);
    // Killed by its removal, which may not be through yet.
    if (state.Dead || state.Status === "removing") return { kind: "vanished", containerId: container.id };
    return { kind: "exited", exitCode: state.ExitCode, usage: { ...usage, isOutOfMemory: state.OOMKilled } };
  } catch (error) {
    if (isNotFound(error)) return { kind: "vanished", containerId: container.id };
    throw engineFailure("lost the build container", error);
  } finally {
    meter.stop();
    signal.removeEventListener("abort", stop);
  }
}

/**
 * The state of a container whose output has ended; its process may go on a while without any.
 *
 * Asked for again and again: the engine's own wait for a container that is being removed may never end.
 */
async function stateAtEnd(container: Dockerode.Container) {
  for (let pauseMs = 5; ; pauseMs = Math.min(pauseMs * 2, 250)) {
    const { State: state } = await container.inspect();
    if (!state.Running || state.Dead) return state;
    await delay(pauseMs);
  }
}

/** The engine's words for a program that the image does not have. */
function isMissingProgram(error: unknown): boolean {
  return /executable file not found|no such file or directory/i.test(engineMessage(error));
}

function startFailure(error: unknown, shell: string) {
  if (!isMissingProgram(error)) return engineFailure("cannot start the build container", error);
  return misconfigured(
    `the image cannot run the job's script: it has no shell ("${shell}") to run it with, or its entrypoint is missing ` +
      `(${engineMessage(error)})`,
  );
}
