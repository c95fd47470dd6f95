import { hostname } from "node:os";
import { helperProgram } from "../../helper-image/helper-image.ts";
import type { ExecutorSession, PreparationReport, ScriptOutcome, ScriptRun } from "../executor.ts";
import { ExecutorError } from "../executor.ts";
import type { BuildContainer } from "./containers/build-container.ts";
import type { HelperContainer, HelperOutcome } from "./containers/helper-container.ts";
import type { OpenFunctions } from "./functions/function-container.ts";

export interface DockerSessionOptions {
  readonly hostname: string;
  readonly isFresh: boolean;
  readonly build: BuildContainer;
  readonly helper: HelperContainer;
  /** Called once, ahead of the first script of the user's. */
  readonly beforeScripts: (signal: AbortSignal) => Promise<void>;
  /** Of a job with `run:`. */
  readonly openFunctions: OpenFunctions | undefined;
  readonly sectionAttempts: number;
  readonly lines: PreparationReport["lines"];
  /** Removes everything that was made for the job. Returns soon; what is left to do goes on. */
  readonly cleanUp: () => Promise<void>;
}

export function createDockerSession(options: DockerSessionOptions): ExecutorSession {
  const { build, helper, sectionAttempts, lines } = options;
  let isDisposed = false;
  let isFirst = true;

  async function runInBuildContainer(script: ScriptRun, signal: AbortSignal): Promise<ScriptOutcome> {
    if (isFirst) await options.beforeScripts(signal);
    isFirst = false;
    return await again("build", script.stageName, () => build.run(script, signal));
  }

  /** Rule: runner-protocol.md §4.4, last paragraph. */
  async function again(
    container: "build" | "helper",
    what: string,
    run: () => Promise<HelperOutcome>,
  ): Promise<ScriptOutcome> {
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await run();
      if (outcome.kind !== "vanished") return outcome;
      if (sectionAttempts === 1) {
        throw new ExecutorError(
          `the ${container} container ${outcome.containerId.slice(0, 12)} was removed while it was used`,
        );
      }
      if (attempt >= sectionAttempts) throw new ExecutorError("Execution attempts exceeded");
      lines.error(`Container "${outcome.containerId}" not found or removed. Will retry...`);
      lines.info(`Retrying ${what}`);
    }
  }

  return {
    place: { hostname: options.hostname, via: hostname(), isFresh: options.isFresh },
    run: (script, { signal }) =>
      script.container === "helper"
        ? again("helper", script.stageName, () => helper.run(script, signal))
        : runInBuildContainer(script, signal),
    runHelper: ({ args, stdin, onStdout, onStderr }, { signal }) =>
      again("helper", "the stage", () =>
        helper.runProgram({ command: [helperProgram, ...args], stdin, onStdout, onStderr }, signal),
      ),
    async functionProcesses(wishes) {
      if (options.openFunctions === undefined) throw new ExecutorError("this container runs scripts, no functions");
      return await options.openFunctions(wishes);
    },
    async [Symbol.asyncDispose]() {
      if (isDisposed) return;
      isDisposed = true;
      await options.cleanUp();
    },
  };
}
