import type { FunctionSpec, ValueDeclaration } from "../definition/function-file.ts";
import { typeOf } from "../definition/value-type.ts";
import type { JsonValue } from "../expression/json-value.ts";
import { type Value, valueFromJson, withMarks } from "../expression/value.ts";
import { ValueError } from "../expression/value-error.ts";
import { FunctionError } from "../function-error.ts";
import { valueData } from "./fields.ts";
import type { JobRun } from "./job-run.ts";
import { reportSensitive } from "./sensitive-text.ts";

/** What a step's function gave, by name. */
export type StepOutputs = ReadonlyMap<string, Value>;

/**
 * Checks what a function gave against what it declares (ci-functions.md §4.3): nothing undeclared, types as declared,
 * defaults for what is missing.
 *
 * @param looseTypes a wrong type is a warning when the job says so; only for outputs whose check upstream lacks.
 * @throws {FunctionError} `invalid_output`
 */
export function checkOutputs(
  job: JobRun,
  given: ReadonlyMap<string, Value>,
  spec: FunctionSpec,
  { looseTypes }: { looseTypes: boolean },
): StepOutputs {
  const declared = spec.outputs === "delegate" ? new Map<string, ValueDeclaration>() : spec.outputs;
  for (const name of given.keys()) {
    if (!declared.has(name)) throw invalidOutput(name, "unexpected output, remove it or declare it in the spec");
  }
  const outputs = new Map<string, Value>();
  for (const [name, declaration] of declared) {
    const value = given.get(name);
    if (value !== undefined) outputs.set(name, checkedOutput(job, name, value, declaration, looseTypes));
    else if (declaration.default !== undefined)
      outputs.set(name, markOutput(valueFromJson(declaration.default), declaration, name));
    else throw invalidOutput(name, "missing output");
  }
  return outputs;
}

function checkedOutput(
  job: JobRun,
  name: string,
  value: Value,
  declaration: ValueDeclaration,
  looseTypes: boolean,
): Value {
  const json = valueData(value);
  const found = typeOf(json);
  if (declaration.sensitive) reportSensitive(json, job.onSensitiveText);
  if (found !== declaration.type) {
    const what = `mismatched types, declared as ${declaration.type}, received ${found}`;
    if (!looseTypes || job.typeMismatch === "error") throw invalidOutput(name, what);
    job.warn(`output "${name}": ${what}`);
  }
  return markOutput(value, declaration, name);
}

function markOutput(value: Value, declaration: ValueDeclaration, name: string): Value {
  return declaration.sensitive ? withMarks(value, [name]) : value;
}

function invalidOutput(name: string, what: string): FunctionError {
  return new FunctionError(`key "${name}": ${what}`, { code: "invalid_output" });
}

/** Values read from a file or from a built-in, not marked yet. @throws {FunctionError} for values beyond all bounds. */
export function outputValues(outputs: Iterable<readonly [string, JsonValue]>): Map<string, Value> {
  const values = new Map<string, Value>();
  for (const [name, json] of outputs) {
    try {
      values.set(name, valueFromJson(json));
    } catch (error) {
      if (error instanceof ValueError) throw invalidOutput(name, error.message);
      throw error;
    }
  }
  return values;
}

/** Outputs as data, for the result tree. */
export function outputsToJson(outputs: StepOutputs): Record<string, JsonValue> {
  return Object.fromEntries([...outputs].map(([name, value]) => [name, valueData(value)]));
}
