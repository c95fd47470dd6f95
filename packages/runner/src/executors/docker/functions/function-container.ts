import type { ProcessHost } from "@jobscope/functions";
import type Dockerode from "dockerode";
import type { BuildContainer } from "../containers/build-container.ts";
import { execInContainer } from "../containers/exec-in-container.ts";
import { type AskIds, idsScript } from "../containers/give-files.ts";
import type { HelperContainer } from "../containers/helper-container.ts";
import { engineFailure } from "../engine.ts";
import { startIn } from "./start-in-container.ts";
import { functionsDirectory, type StaticShells, staticShell } from "./static-shell.ts";

export interface FunctionContainerOptions {
  /** Made with `idleCommand`. */
  readonly build: BuildContainer;
  readonly helper: HelperContainer;
  readonly helperImageId: string;
  readonly shells: StaticShells;
  /** Called once, ahead of the first command. */
  readonly beforeCommands: (askIds: AskIds, signal: AbortSignal) => Promise<void>;
}

/** @param options `tempDir` of this machine, for copies of what built-in functions read. @throws {ExecutorError} */
export type OpenFunctions = (options: {
  readonly tempDir: string;
  readonly signal: AbortSignal;
}) => Promise<ProcessHost>;

/**
 * Starts the build container of a job with `run:` ahead of its first step.
 *
 * @returns what starts the shell in it that starts the commands of functions; failures are told to whoever calls it.
 */
export function startFunctionContainer(options: FunctionContainerOptions): OpenFunctions {
  const starting = start(options);
  starting.catch(() => undefined);
  return async ({ tempDir, signal }) => {
    const container = await starting;
    signal.throwIfAborted();
    await options.beforeCommands(() => askByProgram(container), signal);
    const { createContainerProcesses } = await import("@jobscope/functions");
    try {
      const start = startIn(container);
      return await createContainerProcesses({ start, busybox: staticShell, directory: functionsDirectory, tempDir });
    } catch (error) {
      throw engineFailure("cannot start a shell in the build container", error);
    }
  };
}

async function start({ build, helper, helperImageId, shells }: FunctionContainerOptions): Promise<Dockerode.Container> {
  const container = await build.create();
  await shells.copyTo(container, helper, helperImageId);
  try {
    await container.start();
    return container;
  } catch (error) {
    throw engineFailure("cannot start the build container", error);
  }
}

async function askByProgram(container: Dockerode.Container): Promise<string> {
  let said = "";
  const onStdout = (chunk: Uint8Array) => {
    said += Buffer.from(chunk).toString();
  };
  const command = [staticShell, "sh", "-c", idsScript];
  const exec = await execInContainer(container, { command, onStdout, onStderr: onStdout });
  exec.stdin.end();
  await exec.exited;
  return said;
}
