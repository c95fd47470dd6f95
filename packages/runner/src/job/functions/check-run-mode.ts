import type { Job } from "../../coordinator-client/job.ts";
import { JobFailure } from "../job-failure.ts";

/** What upstream reports of a job that asks for what cannot be. */
const unsupportedOptionsExitCode = 3;

/**
 * Refuses a `run:` job that is also something else, before anything of it runs. The list itself is the engine's to check.
 *
 * @throws {JobFailure} `runner_system_failure` with exit code 3.
 *
 * Rule: runner-protocol.md §8.1, ci-functions.md §1.6.
 */
export function checkRunMode({ run, scriptSteps, variables }: Job): void {
  if (run === undefined) return;
  const step = scriptSteps.find(({ script }) => script.some((line) => line !== ""));
  if (step !== undefined) refuse(`the keywords "run" and "script" cannot be used together (step "${step.name}")`);
  if (variables.some(({ key }) => key === "STEPS")) refuse('a job with "run" cannot have a variable named STEPS');
}

function refuse(message: string): never {
  throw new JobFailure(message, { reason: "runner_system_failure", exitCode: unsupportedOptionsExitCode });
}
