import type { ProcessHost } from "@jobscope/functions";
import type { BuildContainer } from "../containers/build-container.ts";
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
}

/**
 * Starts the build container of a job with `run:`, and a shell in it that starts the commands of its functions.
 *
 * @param tempDir of this machine, for copies of what built-in functions read. @throws {ExecutorError}
 */
export async function openFunctionContainer(options: FunctionContainerOptions, tempDir: string): Promise<ProcessHost> {
  const { build, helper, helperImageId, shells } = options;
  const container = await build.create();
  await shells.copyTo(container, helper, helperImageId);
  const { createContainerProcesses } = await import("@jobscope/functions");
  try {
    await container.start();
    return await createContainerProcesses({
      start: startIn(container),
      busybox: staticShell,
      directory: functionsDirectory,
      tempDir,
    });
  } catch (error) {
    throw engineFailure("cannot start the build container", error);
  }
}
