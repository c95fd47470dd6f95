import type { FunctionSpec, StepDefinition, ValueDeclaration } from "../definition/function-file.ts";
import { typeOf } from "../definition/value-type.ts";
import type { EvaluationContext } from "../expression/evaluate.ts";
import type { JsonValue } from "../expression/json-value.ts";
import { deepMarks, type Value, valueFromJson, withMarks } from "../expression/value.ts";
import { FunctionError } from "../function-error.ts";
import { inField, typedField, valueData } from "./fields.ts";
import type { JobRun } from "./job-run.ts";
import { reportSensitive } from "./sensitive-text.ts";

/** Inputs of one invocation. */
export interface StepInputs {
  /** All of them, defaults included, sensitive ones marked. */
  readonly values: ReadonlyMap<string, Value>;
  /** Only the given ones, as data. */
  readonly given: Readonly<Record<string, JsonValue>>;
}

/**
 * Evaluates what a step gives to its function, and checks it against what the function takes, in the order of
 * ci-functions.md §4.2.
 *
 * @param context the caller's: a step's inputs do not see that step's `env`.
 * @throws {FunctionError} `invalid_input` or `expression_failed`
 */
export function prepareInputs(
  job: JobRun,
  step: Pick<StepDefinition, "name" | "inputs">,
  spec: FunctionSpec,
  context: EvaluationContext,
): StepInputs {
  refuseUndeclared(step, spec);
  const values = new Map<string, Value>();
  const given = new Map<string, JsonValue>();
  for (const [name, field] of step.inputs) {
    const declaration = spec.inputs.get(name);
    if (declaration === undefined) continue;
    const value = inField(`input "${name}": `, () => typedField(field, context));
    refuseSensitive(name, value, declaration);
    const json = valueData(value);
    checkType(job, step.name, name, json, declaration);
    given.set(name, json);
    values.set(name, declaration.sensitive ? withMarks(value, [name]) : value);
    if (declaration.sensitive) reportSensitive(json, job.onSensitiveText);
  }
  addDefaults(values, spec);
  return { values, given: Object.fromEntries(given) };
}

function refuseUndeclared(step: Pick<StepDefinition, "inputs">, spec: FunctionSpec): void {
  const unknown = [...step.inputs.keys()].find((name) => !spec.inputs.has(name));
  if (unknown === undefined) return;
  const known = [...spec.inputs.keys()].join(", ");
  throw new FunctionError(
    `step does not accept input with name "${unknown}" (it accepts ${known === "" ? "none" : known})`,
    { code: "invalid_input" },
  );
}

/** §4.4. Values of `vars` and `env` are never marked, so that they pass. */
function refuseSensitive(name: string, value: Value, declaration: ValueDeclaration): void {
  const marks = deepMarks(value);
  if (marks === undefined || declaration.sensitive) return;
  throw new FunctionError(
    `input "${name}": non-sensitive input cannot derive value using sensitive value(s) ${marks.join(", ")}; ` +
      "declare it with sensitive: true",
    { code: "invalid_input" },
  );
}

function checkType(job: JobRun, stepName: string, name: string, value: JsonValue, declaration: ValueDeclaration): void {
  const found = typeOf(value);
  if (found === declaration.type) return;
  const what = `input "${name}": declared as ${declaration.type}, received ${found}`;
  if (job.typeMismatch === "warn") job.warn(`step "${stepName}": ${what}`);
  else throw new FunctionError(what, { code: "invalid_input" });
}

function addDefaults(values: Map<string, Value>, spec: FunctionSpec): void {
  for (const [name, declaration] of spec.inputs) {
    if (values.has(name)) continue;
    if (declaration.default === undefined) {
      throw new FunctionError(`input "${name}" required, but not defined`, { code: "invalid_input" });
    }
    values.set(name, valueFromJson(declaration.default, declaration.sensitive ? [name] : undefined));
  }
}
