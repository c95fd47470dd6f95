import { resolve } from "node:path";
import { readJobSteps } from "../definition/read-function.ts";
import { engineVersion } from "../engine-version.ts";
import { objectOf, textMapOf } from "../expression/value.ts";
import { type FunctionError, toFunctionError } from "../function-error.ts";
import { JobEnvironment, stepsLogLevel } from "./environment.ts";
import { environmentOf, type FunctionFrame } from "./frame.ts";
import { guardObserver } from "./guarded-observer.ts";
import { JobLog } from "./job-log.ts";
import type { JobRun } from "./job-run.ts";
import { createLocalProcesses } from "./local-processes.ts";
import { runList } from "./run-form.ts";
import type { JobVariable, RunStepsOptions, StepsOutcome } from "./run-options.ts";
import { invokeStep } from "./step.ts";
import { JobFiles } from "./step-files.ts";
import type { StepResult } from "./step-result.ts";

/**
 * Runs a job's `run:` list to its end (ci-functions.md §1.6, §5): an anonymous outermost function without inputs or
 * outputs, whose directory is the job's.
 *
 * @returns how it ended; a failing step, a bad list and a cancel are outcomes.
 */
export async function runSteps(options: RunStepsOptions): Promise<StepsOutcome> {
  const root = rootResult(options);
  const warnings: string[] = [];
  try {
    const failure = await runJob(options, root, (warning) => warnings.push(warning));
    if (failure !== undefined) throw failure;
    root.status = "success";
    return { status: "success", exitCode: 0, error: undefined, result: root, warnings };
  } catch (thrown) {
    const error = toFunctionError(thrown);
    root.status = error.code === "cancelled" ? "cancelled" : "failure";
    return { status: root.status, exitCode: error.exitCode ?? 1, error, result: root, warnings };
  }
}

async function runJob(
  options: RunStepsOptions,
  root: StepResult,
  warn: (warning: string) => void,
): Promise<FunctionError | undefined> {
  const steps = readJobSteps(options.steps);
  const variables = (options.jobVariables ?? []).filter(({ key }) => !hiddenVariables.has(key));
  const logLevel = stepsLogLevel(variableValue(variables, "CI_STEPS_LOG_LEVEL"), options.env["CI_STEPS_LOG_LEVEL"]);
  const workDir = resolve(options.workDir);
  await using resources = new AsyncDisposableStack();
  const processes = options.processes ?? resources.use(createLocalProcesses());
  if (!(await processes.files.isDirectory(workDir))) await processes.files.makeDirectory(workDir);
  const files = resources.use(await JobFiles.create(processes.files));
  const job: JobRun = {
    workDir,
    vars: textMapOf(await files.writeVariables(variables)),
    environment: new JobEnvironment({ ...options.env, CI_STEPS_LOG_LEVEL: logLevel }),
    files,
    log: new JobLog(options.log),
    sources: options.sources,
    processes,
    observer: guardObserver(options.observer),
    signal: options.signal,
    typeMismatch: options.typeMismatch ?? "error",
    engineVersion: options.engineVersion ?? engineVersion,
    debug: logLevel === "debug",
    onSensitiveText: options.onSensitiveText ?? (() => {}),
    warn,
  };
  const frame: FunctionFrame = {
    directory: workDir,
    inputs: objectOf(new Map()),
    scope: undefined,
    files: await files.createStepFiles(),
    finished: new Map(),
    observation: undefined,
    stepDepth: 0,
  };
  root.env = environmentOf(job, frame);
  const list = await runList(job, frame, steps, invokeStep);
  root.steps = list.results;
  return list.failure;
}

const hiddenVariables: ReadonlySet<string> = new Set(["STEPS", "FF_USE_NATIVE_STEPS"]); // ci-functions.md §8.2

function variableValue(variables: readonly JobVariable[], key: string): string | undefined {
  return variables.findLast((variable) => variable.key === key)?.value;
}

function rootResult(options: RunStepsOptions): StepResult {
  return {
    name: "",
    reference: undefined,
    inputs: {},
    callEnv: {},
    definition: undefined,
    status: "running",
    outputs: {},
    exports: {},
    env: options.env,
    exec: undefined,
    steps: [],
  };
}
