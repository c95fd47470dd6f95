import { cancelledBy } from "../cancellation.ts";
import type { FunctionFile, StepDefinition } from "../definition/function-file.ts";
import { parseExpandedReference, parseKnownReference } from "../definition/parse-reference.ts";
import { describeReference, type KnownReference } from "../definition/reference.ts";
import type { EvaluationContext } from "../expression/evaluate.ts";
import { objectOf } from "../expression/value.ts";
import { FunctionError, toFunctionError } from "../function-error.ts";
import type { LoadedFunction } from "../source/function-sources.ts";
import type { EnvScope } from "./environment.ts";
import { envFields, referenceField } from "./fields.ts";
import { contextOf, environmentOf, type FunctionFrame } from "./frame.ts";
import { type Implementation, runImplementation, scriptFunction } from "./implementation.ts";
import { prepareInputs, type StepInputs } from "./inputs.ts";
import type { JobRun } from "./job-run.ts";
import type { StepObservation } from "./observer.ts";
import { outputsToJson, type StepOutputs } from "./outputs.ts";
import type { StepOutcome } from "./run-form.ts";
import { noStepFiles } from "./step-files.ts";
import type { StepResult } from "./step-result.ts";

const maxDepth = 50; // a function that calls itself must end before memory does

/**
 * Runs one step from its reference to its exports (ci-functions.md §5.1). Never throws: a failure is part of the
 * outcome, and is recorded in the result tree even when the function could not be loaded (§6).
 */
export async function invokeStep(job: JobRun, caller: FunctionFrame, step: StepDefinition): Promise<StepOutcome> {
  const result = newResult(job, caller, step);
  let outputs: StepOutputs = new Map();
  let observation: StepObservation | undefined;
  const observe = (reference: StepDefinition["reference"]): StepObservation => {
    observation = startObservation(job, caller, step, reference);
    return observation;
  };
  let failure: FunctionError | undefined;
  try {
    outputs = await runStep(job, caller, step, result, observe);
    result.status = "success";
    result.outputs = outputsToJson(outputs);
  } catch (thrown) {
    failure = asFailure(job, thrown).within(`step "${step.name}": `, step.name);
    result.status = failure.code === "cancelled" ? "cancelled" : "failure";
    observation ??= startObservation(job, caller, step, step.reference);
  }
  observation?.ended({
    status: failure === undefined ? "success" : failure.code === "cancelled" ? "cancelled" : "failed",
    exitCode: result.exec?.exitCode,
    error: failure && firstLine(failure.message),
    errorCode: failure?.code,
  });
  return { result, outputs, failure };
}

async function runStep(
  job: JobRun,
  caller: FunctionFrame,
  step: StepDefinition,
  result: Mutable<StepResult>,
  observe: (reference: KnownReference) => StepObservation,
): Promise<StepOutputs> {
  const prepared = await prepareStep(job, caller, step, result, observe);
  await using _files = { [Symbol.asyncDispose]: () => job.files.removeStepFiles(prepared.frame.files) };
  return await runImplementation(job, step.name, prepared.implementation, prepared.frame, result, invokeStep);
}

/** Everything before the function starts; whatever goes wrong here is a failure to load (§4.2). */
async function prepareStep(
  job: JobRun,
  caller: FunctionFrame,
  step: StepDefinition,
  result: Mutable<StepResult>,
  observe: (reference: KnownReference) => StepObservation,
): Promise<{ implementation: Implementation; frame: FunctionFrame }> {
  try {
    const callerContext = contextOf(job, caller);
    const reference = resolveReference(step, callerContext);
    result.reference = reference;
    const observation = observe(reference);
    if (caller.stepDepth >= maxDepth)
      throw new FunctionError("functions call each other too deeply", { code: "unsupported" });
    const scope: EnvScope = { outer: caller.scope, entries: envFields(step.env, callerContext) };
    const { implementation, digest } = await loadImplementation(job, caller, reference, observation, scope);
    result.definition = implementation.kind === "files" ? implementation.file : undefined;
    observation.loaded({ type: functionType(implementation), digest });
    const inputs = prepareInputs(job, step, implementation.spec, callerContext);
    const frame = await newFrame(job, caller, { implementation, inputs, scope, observation });
    result.inputs = inputs.given;
    result.callEnv = environmentOf(job, frame);
    result.env = result.callEnv;
    return { implementation, frame };
  } catch (thrown) {
    const failure = asFailure(job, thrown);
    throw failure.code === "cancelled" ? failure : failure.within("failed to load: ");
  }
}

/** The reference without expressions: those are evaluated in the caller's context, when the step's turn has come (§2.2). */
function resolveReference(step: StepDefinition, context: EvaluationContext): KnownReference {
  const { reference } = step;
  if (reference.kind === "dynamic") return parseKnownReference(referenceField(reference.template, context));
  if (reference.kind !== "expanded") return reference;
  const fields = new Map<string, string>();
  for (const [name, text] of reference.fields) fields.set(name, referenceField(text, context));
  return parseExpandedReference(reference.protocol, fields);
}

async function loadImplementation(
  job: JobRun,
  caller: FunctionFrame,
  reference: KnownReference,
  observation: StepObservation,
  scope: EnvScope,
): Promise<{ implementation: Implementation; digest: string | undefined }> {
  if (reference.kind === "script" || (reference.kind === "builtin" && reference.name === "script")) {
    return { implementation: scriptFunction, digest: undefined };
  }
  const loaded: LoadedFunction = await job.sources.load(reference, {
    callerDir: caller.directory,
    host: job.processes,
    // credentials for fetching come from the step's environment, its own `env` included (§2.5 "Authentication")
    env: job.environment.compose(observation.environment, scope),
    signal: job.signal,
    fetchStarted: (start) => observation.fetchStarted(start),
  });
  if (loaded.kind === "builtin") {
    return {
      implementation: { kind: "builtin", spec: loaded.builtin.spec, builtin: loaded.builtin },
      digest: undefined,
    };
  }
  const { file, directory, digest } = loaded;
  return { implementation: { kind: "files", spec: file.spec, file, directory }, digest };
}

async function newFrame(
  job: JobRun,
  caller: FunctionFrame,
  parts: { implementation: Implementation; inputs: StepInputs; scope: EnvScope; observation: StepObservation },
): Promise<FunctionFrame> {
  return {
    directory: parts.implementation.kind === "files" ? parts.implementation.directory : job.workDir,
    inputs: objectOf(parts.inputs.values),
    scope: parts.scope,
    files: parts.implementation.kind === "files" ? await job.files.createStepFiles() : noStepFiles,
    finished: new Map(),
    observation: parts.observation,
    stepDepth: caller.stepDepth + 1,
  };
}

function functionType(implementation: Implementation): "exec" | "run" | "builtin" | "script" {
  return implementation.kind === "files" ? implementation.file.definition.form : implementation.kind;
}

function startObservation(
  job: JobRun,
  caller: FunctionFrame,
  step: StepDefinition,
  reference: StepDefinition["reference"],
): StepObservation {
  const description = describeReference(reference, job.engineVersion);
  return job.observer.stepStarted({
    name: step.name,
    reference: description.name,
    version: description.version,
    kind: description.kind,
    depth: caller.stepDepth,
    parent: caller.observation,
  });
}

/** After the signal every failure is a consequence of it: a killed process, an interrupted fetch (§9.2). */
function asFailure(job: JobRun, thrown: unknown): FunctionError {
  const failure = toFunctionError(thrown);
  return job.signal.aborted && failure.code !== "cancelled" ? cancelledBy(job.signal, failure) : failure;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function newResult(job: JobRun, caller: FunctionFrame, step: StepDefinition): Mutable<StepResult> {
  const env = environmentOf(job, caller);
  return {
    name: step.name,
    reference: step.reference,
    inputs: {},
    callEnv: env,
    definition: undefined as FunctionFile | undefined,
    status: "running",
    outputs: {},
    exports: {},
    env,
    exec: undefined,
    steps: undefined,
  };
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}
