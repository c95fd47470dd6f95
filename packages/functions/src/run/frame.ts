import type { EvaluationContext } from "../expression/evaluate.ts";
import { type ObjectValue, objectOf, stringOf, textMapOf, type Value } from "../expression/value.ts";
import type { EnvScope } from "./environment.ts";
import type { JobRun } from "./job-run.ts";
import type { StepObservation } from "./observer.ts";
import type { StepFiles } from "./step-files.ts";

/** One function while it runs; the outermost stands for the job. */
export interface FunctionFrame {
  /** Directory of the definition file: `func_dir`, and the base of relative references. */
  readonly directory: string;
  readonly inputs: ObjectValue;
  readonly scope: EnvScope | undefined;
  readonly files: StepFiles;
  /** Outputs of the steps that have finished, by step name. */
  readonly finished: Map<string, ObjectValue>;
  /** Undefined for the job's own list. */
  readonly observation: StepObservation | undefined;
  /** Depth of the steps this function calls; 0 for the job's list. */
  readonly stepDepth: number;
}

/** The complete environment of a function now: exports of steps that ran in between are in it. */
export function environmentOf(job: JobRun, frame: FunctionFrame): Record<string, string> {
  return job.environment.compose(frame.observation?.environment ?? {}, frame.scope);
}

/** The names that expressions of a function see (ci-functions.md §7.11). */
export function contextOf(
  job: JobRun,
  frame: FunctionFrame,
  env: Readonly<Record<string, string>> = environmentOf(job, frame),
): EvaluationContext {
  return new Map<string, Value>([
    ["vars", job.vars],
    ["env", textMapOf(env)],
    ["inputs", frame.inputs],
    ["steps", objectOf(frame.finished)],
    ["func_dir", stringOf(frame.directory)],
    ["work_dir", stringOf(job.workDir)],
    ["output_file", stringOf(frame.files.outputFile)],
    ["export_file", stringOf(frame.files.exportFile)],
    ["step_dir", stringOf(frame.directory)],
    ["job", job.vars],
  ]);
}
