import type { BuiltinFunction } from "../builtin/builtin-function.ts";
import { cancelledBy } from "../cancellation.ts";
import type { ExecDefinition, FunctionFile, FunctionSpec, RunDefinition } from "../definition/function-file.ts";
import { FunctionError } from "../function-error.ts";
import { type PreparedCommand, prepareCommand, runCommand } from "./exec-form.ts";
import { envFields, inField, inPart, valueData } from "./fields.ts";
import { contextOf, environmentOf, type FunctionFrame } from "./frame.ts";
import type { JobRun } from "./job-run.ts";
import { checkOutputs, outputValues, type StepOutputs } from "./outputs.ts";
import { readExportFile, readOutputFile } from "./result-files.ts";
import { collectOutputs, type InvokeStep, runList } from "./run-form.ts";
import { prepareScript } from "./script.ts";
import type { StepResult } from "./step-result.ts";

/** What stands behind a reference, ready to run. */
export type Implementation =
  | {
      readonly kind: "files";
      readonly spec: FunctionSpec;
      readonly file: FunctionFile;
      /** Absolute directory of the definition file. */
      readonly directory: string;
    }
  | { readonly kind: "builtin"; readonly spec: FunctionSpec; readonly builtin: BuiltinFunction }
  | { readonly kind: "script"; readonly spec: FunctionSpec };

/** The function behind script steps: one input, no outputs (ci-functions.md §2.7). */
export const scriptFunction: Implementation = {
  kind: "script",
  spec: {
    inputs: new Map([["script", { type: "string", default: undefined, sensitive: false, description: undefined }]]),
    outputs: new Map(),
  },
};

/**
 * Runs a prepared function and collects what it gives; fills the result as it goes (ci-functions.md §5.1 steps 4 to 6).
 *
 * @param invokeStep for the steps of a function in run form.
 * @throws {FunctionError} for every way to fail.
 */
export async function runImplementation(
  job: JobRun,
  stepName: string,
  implementation: Implementation,
  frame: FunctionFrame,
  result: StepResult,
  invokeStep: InvokeStep,
): Promise<StepOutputs> {
  switch (implementation.kind) {
    case "script":
      return await runScript(job, stepName, frame, result);
    case "builtin":
      return await runBuiltin(job, stepName, implementation.builtin, frame);
    case "files": {
      const { spec, definition } = implementation.file;
      const inner = withDefinitionEnv(job, frame, definition);
      result.env = environmentOf(job, inner);
      if (definition.form === "exec") return await runExec(job, stepName, { spec, definition }, inner, result);
      return await runSteps(job, { spec, definition }, inner, result, invokeStep);
    }
  }
}

/** The definition's own `env`, evaluated before any of it applies; the strongest of all (§4.6). */
function withDefinitionEnv(
  job: JobRun,
  frame: FunctionFrame,
  definition: ExecDefinition | RunDefinition,
): FunctionFrame {
  if (definition.env.size === 0) return frame;
  const entries = inField("expand step env: ", () => envFields(definition.env, contextOf(job, frame)));
  return { ...frame, scope: { outer: frame.scope, entries } };
}

async function runExec(
  job: JobRun,
  stepName: string,
  { spec, definition }: { spec: FunctionSpec; definition: ExecDefinition },
  frame: FunctionFrame,
  result: StepResult,
): Promise<StepOutputs> {
  const command = inField("exec: ", () => prepareCommand(job, definition, contextOf(job, frame, result.env)));
  await execute(job, stepName, command, result);
  const outputs = await inPart("output file: ", () => readOutputFile(job, frame.files.outputFile, spec));
  // only a step whose outputs are right exports anything (§4.5)
  const exports = await inPart("export file: ", () => readExportFile(job, frame.files.exportFile));
  job.environment.export(exports);
  result.exports = Object.fromEntries(exports);
  return outputs;
}

async function runScript(
  job: JobRun,
  stepName: string,
  frame: FunctionFrame,
  result: StepResult,
): Promise<StepOutputs> {
  const script = frame.inputs.entries.get("script");
  const text = script?.kind === "string" ? script.value : "";
  const command = await inPart("exec: ", () => prepareScript(job, text, result.env));
  await execute(job, stepName, command, result);
  return new Map();
}

async function execute(job: JobRun, stepName: string, command: PreparedCommand, result: StepResult): Promise<void> {
  result.exec = { ...command, exitCode: -1 };
  const { exitCode, killedBy } = await inPart("exec: ", () => runCommand(job, stepName, command, result.env));
  result.exec = { ...command, exitCode };
  // one that ended well when it was asked to end has not done its work
  if (job.signal.aborted)
    throw cancelledBy(job.signal, new FunctionError("interrupted", { code: "cancelled", exitCode }));
  if (exitCode === 0) return;
  const how = killedBy === undefined ? "" : `ended by ${killedBy}, `;
  throw new FunctionError(`exec: ${how}exit code ${exitCode}`, { code: "command_failed", exitCode });
}

async function runSteps(
  job: JobRun,
  { spec, definition }: { spec: FunctionSpec; definition: RunDefinition },
  frame: FunctionFrame,
  result: StepResult,
  invokeStep: InvokeStep,
): Promise<StepOutputs> {
  const list = await runList(job, frame, definition.steps, invokeStep);
  result.steps = list.results;
  if (list.failure !== undefined) throw list.failure;
  return inField("outputs: ", () => collectOutputs(job, frame, definition, spec, list));
}

async function runBuiltin(
  job: JobRun,
  stepName: string,
  builtin: BuiltinFunction,
  frame: FunctionFrame,
): Promise<StepOutputs> {
  await job.log.line(`Running step name=${stepName}`);
  const inputs = Object.fromEntries([...frame.inputs.entries].map(([name, value]) => [name, valueData(value)]));
  await using project = await job.processes.files.openProject(job.workDir, builtin.reads(inputs));
  const outputs = await builtin.run({
    inputs,
    env: environmentOf(job, frame),
    workDir: project.directory,
    print: (line) => job.log.line(line),
    signal: job.signal,
  });
  for (const name of builtin.writes) await project.store(name);
  return inField("outputs: ", () =>
    checkOutputs(job, outputValues(Object.entries(outputs)), builtin.spec, { looseTypes: false }),
  );
}
