import { isAbsolute } from "node:path";
import { parse } from "yaml";
import { FunctionError } from "../function-error.ts";
import type { RunStepsOptions, StepsOutcome } from "./run-options.ts";
import { runSteps } from "./run-steps.ts";

export interface RunFunctionOptions extends Omit<RunStepsOptions, "steps"> {
  /** Any reference (ci-functions.md §2); paths start at `workDir`. */
  readonly reference: string;
  /** `name=value` texts, values as YAML scalars: `n=5` is a number, `n="5"` a string (§9.1). Default: none. */
  readonly inputs?: readonly string[];
}

/**
 * Runs one function on its own, as a list of one step named `function` (ci-functions.md §9.1 `run`).
 *
 * @returns as {@link runSteps}; its outputs are `outcome.result.steps[0].outputs`.
 * @throws {FunctionError} `invalid_input` for an input that is no `name=value`.
 */
export async function runFunction(options: RunFunctionOptions): Promise<StepsOutcome> {
  const { reference, inputs = [], ...rest } = options;
  const given = Object.fromEntries(inputs.map(parseInput));
  // a bare directory name is meant as a path where one would type it
  const func = isAbsolute(reference) || /[:@./]/.test(reference) ? reference : `./${reference}`;
  return await runSteps({ ...rest, steps: [{ name: "function", func, inputs: given }] });
}

function parseInput(text: string): [name: string, value: unknown] {
  const equals = text.indexOf("=");
  if (equals <= 0) {
    throw new FunctionError("an input must be written as name=value", { code: "invalid_input" });
  }
  const name = text.slice(0, equals);
  const value = text.slice(equals + 1);
  try {
    return [name, value === "" ? "" : parse(value)];
  } catch (cause) {
    throw new FunctionError(`input "${name}": its value is no YAML; put it into quotes`, {
      code: "invalid_input",
      cause,
    });
  }
}
