import { type EvaluationContext, evaluateTemplate, evaluateText, evaluateTyped } from "../expression/evaluate.ts";
import { ExpressionError } from "../expression/expression-error.ts";
import type { JsonValue } from "../expression/json-value.ts";
import { isTemplate, parseTemplate } from "../expression/template.ts";
import { arrayOf, objectOf, stringOf, type Value, valueFromJson, valueToJson } from "../expression/value.ts";
import { ValueError } from "../expression/value-error.ts";
import { FunctionError } from "../function-error.ts";

/**
 * Fields of definitions, evaluated as ci-functions.md §3.4 says for each. Errors of the language become
 * {@link FunctionError}s that keep line, column and excerpt.
 */

/** A field whose result must be text; other kinds become text (§7.6). */
export function textField(text: string, context: EvaluationContext): string {
  if (!isTemplate(text)) return text;
  return evaluating(() => evaluateText(parseTemplate(text), context).text);
}

/** A part of a reference: the one place where a result that is no string is an error (§7.6). */
export function referenceField(text: string, context: EvaluationContext): string {
  if (!isTemplate(text)) return text;
  const value = evaluating(() => evaluateTemplate(parseTemplate(text), context));
  if (value.kind === "string") return value.value;
  throw new FunctionError(`a reference to a function must be a string, found ${value.kind}`, {
    code: "invalid_reference",
  });
}

/** A field of any type: templates in its strings, and in keys of objects, to any depth (§3.4). */
export function typedField(field: JsonValue, context: EvaluationContext): Value {
  return evaluating(() => evaluateDeep(field, context));
}

/** A value as data; one beyond all bounds is an error like any other of the language. */
export function valueData(value: Value): JsonValue {
  return evaluating(() => valueToJson(value));
}

/** Fields of one `env` map; all are evaluated before any applies (§4.6). */
export function envFields(env: ReadonlyMap<string, string>, context: EvaluationContext): Map<string, string> {
  const values = new Map<string, string>();
  for (const [name, text] of env)
    values.set(
      name,
      inField(`env "${name}": `, () => textField(text, context)),
    );
  return values;
}

/** Puts the place of a failure in front of its message. */
export function inField<T>(prefix: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw error instanceof FunctionError ? error.within(prefix) : error;
  }
}

/** As {@link inField}, for what takes its time. */
export async function inPart<T>(prefix: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw error instanceof FunctionError ? error.within(prefix) : error;
  }
}

function evaluateDeep(field: JsonValue, context: EvaluationContext): Value {
  if (typeof field === "string") {
    return isTemplate(field) ? evaluateTyped(parseTemplate(field), context) : stringOf(field);
  }
  if (Array.isArray(field)) return arrayOf(field.map((item) => evaluateDeep(item, context)));
  if (typeof field !== "object" || field === null) return valueFromJson(field);
  const entries = new Map<string, Value>();
  for (const [key, item] of Object.entries(field)) {
    const name = isTemplate(key) ? evaluateText(parseTemplate(key), context).text : key;
    entries.set(name, evaluateDeep(item, context));
  }
  return objectOf(entries);
}

function evaluating<T>(evaluate: () => T): T {
  try {
    return evaluate();
  } catch (error) {
    if (error instanceof ExpressionError) {
      const { line, column, excerpt } = error;
      throw new FunctionError(error.message, {
        code: "expression_failed",
        place: { line, column, excerpt },
        cause: error,
      });
    }
    if (error instanceof ValueError)
      throw new FunctionError(error.message, { code: "expression_failed", cause: error });
    throw error;
  }
}
