import { invalidKey, listNames, readIndex, readMember } from "./access.ts";
import { builtinCalls } from "./builtin-calls.ts";
import { ExpressionError, evaluationError } from "./expression-error.ts";
import { expressionLimits } from "./limits.ts";
import { applyBinary, applyUnary, invalidKind, isTruthy, joinTexts } from "./operations.ts";
import { textOf } from "./text-form.ts";
import type { Expression, SourceRange, Template, TemplatePart } from "./tree.ts";
import {
  arrayOf,
  booleanOf,
  deepMarks,
  type Marks,
  mergeMarks,
  nullOf,
  numberOf,
  objectOf,
  stringOf,
  type Value,
  withMarks,
} from "./value.ts";
import { ValueError, WorkMeter } from "./value-error.ts";

/** The names an expression can start with (ci-functions.md §7.11). Its values are read, never changed. */
export type EvaluationContext = ReadonlyMap<string, Value>;

/**
 * Evaluates a field's template (§7.6): exactly one expression keeps its kind, everything else becomes a string.
 *
 * Pure: same template and context, same result; ends within the bounds of `expressionLimits`.
 *
 * @throws {ExpressionError}
 */
export function evaluateTemplate(template: Template, context: EvaluationContext): Value {
  const [only] = template.parts;
  const evaluation = new Evaluation(template.source, context);
  if (template.parts.length === 1 && only !== undefined && typeof only !== "string") return evaluation.evaluate(only);
  return evaluation.joinParts(template.parts, { start: 0, end: template.source.length });
}

/**
 * Evaluates a field that may be of any type: blanks and line ends around one single expression, as YAML's block scalars
 * leave them, do not make a string of a value that is none (§7.6 "YAML block scalars").
 *
 * @throws {ExpressionError}
 */
export function evaluateTyped(template: Template, context: EvaluationContext): Value {
  const expressions = template.parts.filter((part) => typeof part !== "string");
  const [only] = expressions;
  const texts = template.parts.filter((part) => typeof part === "string");
  if (expressions.length === 1 && only !== undefined && texts.length > 0 && texts.every((text) => text.trim() === "")) {
    const value = evaluateTemplate({ source: template.source, parts: [only] }, context);
    if (value.kind !== "string") return value;
  }
  return evaluateTemplate(template, context);
}

/** Evaluates a field that must be text; other kinds become text as in §7.8. @throws {ExpressionError} */
export function evaluateText(
  template: Template,
  context: EvaluationContext,
): { readonly text: string; readonly marks: Marks } {
  const value = evaluateTemplate(template, context);
  if (value.kind === "string") return { text: value.value, marks: value.marks };
  const evaluation = new Evaluation(template.source, context);
  return evaluation.asText(value, { start: 0, end: template.source.length });
}

class Evaluation {
  readonly #source: string;
  readonly #context: EvaluationContext;
  readonly #meter = new WorkMeter(expressionLimits.maxWork);

  constructor(source: string, context: EvaluationContext) {
    this.#source = source;
    this.#context = context;
  }

  evaluate(expression: Expression): Value {
    switch (expression.kind) {
      case "literal":
        return literalValue(expression.value);
      case "name":
        return this.#readName(expression);
      case "member":
        return this.#readMember(expression);
      case "index":
        return this.#readIndex(expression);
      case "binary":
        return this.#binary(expression);
      case "unary": {
        const operand = this.evaluate(expression.operand);
        return this.#at(expression, () => applyUnary(expression.operator, operand));
      }
      case "call":
        return this.#call(expression);
      case "text":
        return this.joinParts(expression.parts, expression);
      case "array":
        return arrayOf(expression.items.map((item) => this.evaluate(item)));
      case "object":
        return this.#object(expression);
    }
  }

  /** Text of all parts one after another; sensitive when any inserted value is (§7.9). */
  joinParts(parts: readonly TemplatePart[], range: SourceRange): Value {
    let text = "";
    let marks: Marks;
    for (const part of parts) {
      const inserted =
        typeof part === "string" ? { text: part, marks: undefined } : this.asText(this.evaluate(part), part);
      text = this.#at(range, () => joinTexts(text, inserted.text));
      marks = mergeMarks(marks, inserted.marks);
    }
    return stringOf(text, marks);
  }

  asText(value: Value, range: SourceRange): { readonly text: string; readonly marks: Marks } {
    if (value.kind === "string") return { text: value.value, marks: value.marks };
    return { text: this.#at(range, () => textOf(value, this.#meter)), marks: deepMarks(value) };
  }

  #readName(expression: Expression & { kind: "name" }): Value {
    const value = this.#context.get(expression.name);
    if (value !== undefined) return this.#markedHere(value, expression);
    if (builtinCalls.has(expression.name)) {
      throw this.#failure(invalidKind(`${expression.name} is a function and must be called`), expression);
    }
    const message = `attribute not found${listNames(this.#context)}`;
    throw this.#failure(new ValueError("attribute not found", message), expression);
  }

  #readMember(expression: Expression & { kind: "member" }): Value {
    const target = this.evaluate(expression.target);
    const value = this.#at(expression.access, () => readMember(target, expression.name));
    return this.#markedHere(value, expression);
  }

  #readIndex(expression: Expression & { kind: "index" }): Value {
    const target = this.evaluate(expression.target);
    const key = this.evaluate(expression.key);
    const value = this.#at(expression.access, () => readIndex(target, key));
    return this.#markedHere(value, expression);
  }

  /** The mark of a value that was read names the text that read it. */
  #markedHere(value: Value, range: SourceRange): Value {
    return value.marks === undefined ? value : withMarks(value, [this.#source.slice(range.start, range.end)]);
  }

  #binary(expression: Expression & { kind: "binary" }): Value {
    const { operator } = expression;
    if (operator === "||") return this.#or(expression.left, expression.right);
    const left = this.evaluate(expression.left);
    if (operator === "&&") return isTruthy(left) ? this.evaluate(expression.right) : left;
    const right = this.evaluate(expression.right);
    return this.#at(expression, () => applyBinary(operator, markedWhole(left), markedWhole(right), this.#meter));
  }

  /** A name or element that does not exist counts as falsy on the left of `||`, and only there (§7.5). */
  #or(left: Expression, right: Expression): Value {
    try {
      const value = this.evaluate(left);
      if (isTruthy(value)) return value;
    } catch (error) {
      if (!(error instanceof ExpressionError && isAbsence(error))) throw error;
    }
    return this.evaluate(right);
  }

  #call(expression: Expression & { kind: "call" }): Value {
    const { target, arguments: givenArguments } = expression;
    const builtin =
      target.kind === "name" && !this.#context.has(target.name) ? builtinCalls.get(target.name) : undefined;
    if (builtin === undefined) {
      this.evaluate(target);
      throw this.#failure(new ValueError("not a function"), expression);
    }
    const [argument] = givenArguments;
    if (argument === undefined || givenArguments.length !== 1) {
      const message = `wrong number of arguments: one expected, ${givenArguments.length} given`;
      throw this.#failure(new ValueError("wrong number of arguments", message), expression);
    }
    const value = this.evaluate(argument);
    return this.#at(expression, () => builtin(markedWhole(value), this.#meter));
  }

  #object(expression: Expression & { kind: "object" }): Value {
    const entries = new Map<string, Value>();
    let marks: Marks;
    for (const pair of expression.pairs) {
      const key = this.evaluate(pair.key);
      if (key.kind !== "string") throw this.#failure(invalidKey(`a string is needed, found ${key.kind}`), pair.key);
      entries.set(key.value, this.evaluate(pair.value));
      marks = mergeMarks(marks, key.marks); // a sensitive key shows in the whole
    }
    return objectOf(entries, marks);
  }

  #at(range: SourceRange, operate: () => Value): Value;
  #at(range: SourceRange, operate: () => string): string;
  #at(range: SourceRange, operate: () => Value | string): Value | string {
    try {
      this.#meter.spend(1);
      return operate();
    } catch (error) {
      if (error instanceof ValueError) throw this.#failure(error, range);
      throw error;
    }
  }

  #failure(error: ValueError, range: SourceRange): ExpressionError {
    return evaluationError(error.code, error.message, this.#source, range);
  }
}

function isAbsence(error: ExpressionError): boolean {
  return error.code === "attribute not found" || error.code === "array index out of range";
}

/** What is made of a container as a whole, its text or a comparison, tells of its elements. */
function markedWhole(value: Value): Value {
  return value.kind === "array" || value.kind === "object" ? withMarks(value, deepMarks(value)) : value;
}

function literalValue(value: null | boolean | number | string): Value {
  if (value === null) return nullOf();
  if (typeof value === "boolean") return booleanOf(value);
  return typeof value === "number" ? numberOf(value) : stringOf(value);
}
