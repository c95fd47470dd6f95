import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  type FunctionError,
  type HostFiles,
  type JobVariable,
  runSteps,
  type StepsOutcome,
  stepResultToJson,
} from "@jobscope/functions";
import { parseGoBoolean } from "../../config/go-boolean.ts";
import { type FunctionLog, openFunctionLog } from "../functions/function-log.ts";
import { functionCacheDirectory } from "../functions/function-sources.ts";
import { traceFunctions } from "../functions/function-spans.ts";
import { JobFailure } from "../job-failure.ts";
import { temporaryPrefix } from "../job-leftovers.ts";
import type { PreparedRun } from "../job-run.ts";
import { runStage } from "./run-stage.ts";
import { userStageHeading } from "./stage-name.ts";

/**
 * `step_run`: the steps of a `run:` job, in order, until one fails. It has no span of its own: those of the functions are
 * siblings of the stages' (telemetry.md §2).
 *
 * @throws {JobFailure} `script_failure` when a step fails, whatever the failure (ci-functions.md §5.4), but
 *   `runner_system_failure` when the connection to the job's container was lost. @throws the
 *   signal's reason when it was aborted.
 *
 * Rule: runner-protocol.md §8.2, ci-functions.md §1.6.
 */
export async function runFunctions(run: PreparedRun, steps: string, signal: AbortSignal): Promise<void> {
  const name = "step_run";
  await runStage(run, { name, heading: userStageHeading(name), signal }, async () => {
    using log = openFunctionLog(run);
    try {
      await runInStage(run, steps, log, signal);
    } finally {
      run.sectionSpan.current = undefined;
    }
  });
}

async function runInStage(run: PreparedRun, steps: string, log: FunctionLog, signal: AbortSignal): Promise<void> {
  const { options, session, directories } = run;
  await using directory = await privateDirectory();
  await using processes = await session.functionProcesses({ tempDir: directory.path, signal });
  const outcome = await runSteps({
    steps,
    workDir: directories.project,
    env: processes.foreign?.environment ?? machineEnvironment(run),
    jobVariables: await writeVariables(run, processes.files),
    sources: await options.functionSources.at(functionCacheDirectory(options), machineEnvironment(run)),
    log,
    signal,
    observer: traceFunctions(run, signal),
    processes,
    onSensitiveText: (text) => log.mask(text),
  });
  for (const warning of outcome.warnings) run.lines.warning(warning);
  if (parseGoBoolean(run.variables.valueOf("CI_STEPS_DEBUG")) === true)
    await reportResults(run, processes.files, outcome);
  signal.throwIfAborted();
  if (outcome.error !== undefined) throw await failureOf(run, outcome.error, outcome.exitCode, log);
}

/** The runner's own environment and nothing of the job's: its variables are `vars` (ci-functions.md §8.2). */
function machineEnvironment({ options }: PreparedRun): Record<string, string> {
  const present = Object.entries(options.environment).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return Object.fromEntries(present);
}

/** File variables are where the values of others say they are: where scripts find them too (runner-protocol.md §3.2). */
async function writeVariables({ variables, directories }: PreparedRun, files: HostFiles): Promise<JobVariable[]> {
  const ofFiles = variables.entries.filter(({ isFile }) => isFile);
  if (ofFiles.length > 0) await files.makeDirectory(directories.temporary);
  for (const { key, value } of ofFiles) await files.writeFile(variables.filePathOf(key), value, 0o600);
  return variables.entries.map(({ key }) => ({ key, value: variables.processValueOf(key) ?? "" }));
}

/** For output and export files of commands that run on this machine; found again by a later process if this one is killed. */
async function privateDirectory(): Promise<AsyncDisposable & { readonly path: string }> {
  const directory = await mkdtemp(path.join(tmpdir(), temporaryPrefix("functions")));
  return {
    path: directory,
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

/** `CI_STEPS_DEBUG`: what the steps were given and gave, secrets included (ci-functions.md §6). */
async function reportResults(run: PreparedRun, files: HostFiles, outcome: StepsOutcome): Promise<void> {
  const file = path.join(run.directories.project, "step-results.json");
  try {
    await files.writeFile(file, `${JSON.stringify(stepResultToJson(outcome.result))}\n`, 0o640);
  } catch (error) {
    run.lines.warning(`step-results.json could not be written: ${error instanceof Error ? error.message : error}`);
  }
}

/** The job's last line names the failure; what points into a definition stands above it. */
async function failureOf(
  run: PreparedRun,
  error: FunctionError,
  exitCode: number,
  log: FunctionLog,
): Promise<JobFailure> {
  if (error.code === "internal") run.options.log.error("the functions engine failed", { err: error });
  const [message = "", ...details] = error.message.split("\n");
  const excerpt = error.place?.excerpt;
  for (const line of [...details, ...(excerpt === undefined ? [] : excerpt.split("\n"))]) {
    await log.write(Buffer.from(`${line}\n`));
  }
  if (error.code === "host_lost") return new JobFailure(message, { reason: "runner_system_failure", cause: error });
  return new JobFailure(message, { reason: "script_failure", exitCode, cause: error });
}
