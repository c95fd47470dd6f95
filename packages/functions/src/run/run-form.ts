import { cancelledBy } from "../cancellation.ts";
import type { FunctionSpec, RunDefinition, StepDefinition } from "../definition/function-file.ts";
import { objectOf, type Value } from "../expression/value.ts";
import { FunctionError } from "../function-error.ts";
import { inField, typedField } from "./fields.ts";
import { contextOf, type FunctionFrame } from "./frame.ts";
import type { JobRun } from "./job-run.ts";
import { checkOutputs, type StepOutputs } from "./outputs.ts";
import type { StepResult } from "./step-result.ts";

/** How one invocation ended. */
export interface StepOutcome {
  readonly result: StepResult;
  readonly outputs: StepOutputs;
  readonly failure: FunctionError | undefined;
}

/** Runs one step of a function; never throws. */
export type InvokeStep = (job: JobRun, caller: FunctionFrame, step: StepDefinition) => Promise<StepOutcome>;

/** How a list of steps ended: with the first failure, or without one. */
export interface ListOutcome {
  readonly results: readonly StepResult[];
  readonly failure: FunctionError | undefined;
  /** Outputs of the steps that succeeded, by name; a later step of the same name replaces an earlier one. */
  readonly outputs: ReadonlyMap<string, StepOutputs>;
}

/** Runs steps in order up to the first that fails (ci-functions.md §5.3). */
export async function runList(
  job: JobRun,
  frame: FunctionFrame,
  steps: readonly StepDefinition[],
  invokeStep: InvokeStep,
): Promise<ListOutcome> {
  const results: StepResult[] = [];
  const outputs = new Map<string, StepOutputs>();
  for (const step of steps) {
    if (job.signal.aborted) return { results, outputs, failure: cancelledBy(job.signal) };
    if (outputs.has(step.name)) job.warn(`step "${step.name}": an earlier step has this name, its outputs are hidden`);
    const outcome = await invokeStep(job, frame, step);
    results.push(outcome.result);
    if (outcome.failure !== undefined) return { results, outputs, failure: outcome.failure };
    outputs.set(step.name, outcome.outputs);
    frame.finished.set(step.name, objectOf(new Map([["outputs", objectOf(outcome.outputs)]])));
  }
  return { results, outputs, failure: undefined };
}

/** The outputs of a function in run form, once its list has ended well (§4.3). */
export function collectOutputs(
  job: JobRun,
  frame: FunctionFrame,
  definition: RunDefinition,
  spec: FunctionSpec,
  list: ListOutcome,
): StepOutputs {
  if (spec.outputs === "delegate") {
    const delegated = list.outputs.get(definition.delegate ?? "");
    if (delegated !== undefined) return delegated;
    throw new FunctionError(`delegate: could not find step with name "${definition.delegate ?? ""}"`, {
      code: "invalid_output",
    });
  }
  const context = contextOf(job, frame);
  const given = new Map<string, Value>();
  for (const [name, field] of definition.outputs)
    given.set(
      name,
      inField(`key "${name}": `, () => typedField(field, context)),
    );
  return checkOutputs(job, given, spec, { looseTypes: true });
}
