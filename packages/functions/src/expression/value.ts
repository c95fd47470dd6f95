import type { JsonValue } from "./json-value.ts";
import { expressionLimits } from "./limits.ts";
import { ValueError } from "./value-error.ts";

/**
 * Where a sensitive value came from: the source texts that read it, such as `inputs.password` (ci-functions.md §7.9).
 * Undefined on a value that is not sensitive.
 */
export type Marks = readonly string[] | undefined;

/** A value of the language, as data. Never changed once made. */
export type Value =
  | { readonly kind: "null"; readonly marks: Marks }
  | { readonly kind: "boolean"; readonly value: boolean; readonly marks: Marks }
  | { readonly kind: "number"; readonly value: number; readonly marks: Marks }
  | { readonly kind: "string"; readonly value: string; readonly marks: Marks }
  | { readonly kind: "array"; readonly items: readonly Value[]; readonly marks: Marks }
  | { readonly kind: "object"; readonly entries: ReadonlyMap<string, Value>; readonly marks: Marks };

export type ObjectValue = Value & { readonly kind: "object" };

const nullValue: Value = { kind: "null", marks: undefined };
const trueValue: Value = { kind: "boolean", value: true, marks: undefined };
const falseValue: Value = { kind: "boolean", value: false, marks: undefined };

export function nullOf(marks?: Marks): Value {
  return marks === undefined ? nullValue : { kind: "null", marks };
}

export function booleanOf(value: boolean, marks?: Marks): Value {
  if (marks !== undefined) return { kind: "boolean", value, marks };
  return value ? trueValue : falseValue;
}

/** @throws {ValueError} when the number is not finite (§7.4). */
export function numberOf(value: number, marks?: Marks): Value {
  if (!Number.isFinite(value)) throw new ValueError("number out of range");
  return { kind: "number", value, marks };
}

export function stringOf(value: string, marks?: Marks): Value {
  return { kind: "string", value, marks };
}

export function arrayOf(items: readonly Value[], marks?: Marks): Value {
  return { kind: "array", items, marks };
}

export function objectOf(entries: ReadonlyMap<string, Value>, marks?: Marks): ObjectValue {
  return { kind: "object", entries, marks };
}

/** An object of strings, such as `env` and `vars`. */
export function textMapOf(texts: Readonly<Record<string, string>>): ObjectValue {
  return objectOf(new Map(Object.entries(texts).map(([name, text]) => [name, stringOf(text)])));
}

/** The same value with other marks; its elements keep theirs. */
export function withMarks(value: Value, marks: Marks): Value {
  return value.marks === marks ? value : { ...value, marks };
}

export function mergeMarks(left: Marks, right: Marks): Marks {
  if (left === undefined) return right;
  if (right === undefined || right === left) return left;
  return [...new Set([...left, ...right])];
}

/** @throws {ValueError} for values nested too deeply, numbers that are not finite, and what JSON cannot say. */
export function valueFromJson(json: JsonValue, marks?: Marks, depth = 0): Value {
  if (depth > expressionLimits.maxValueDepth) throw new ValueError("limit", "value is nested too deeply");
  if (json === null) return nullOf(marks);
  switch (typeof json) {
    case "boolean":
      return booleanOf(json, marks);
    case "number":
      return numberOf(json, marks);
    case "string":
      return stringOf(json.toWellFormed(), marks);
  }
  if (Array.isArray(json)) {
    return arrayOf(
      json.map((item) => valueFromJson(item, undefined, depth + 1)),
      marks,
    );
  }
  const entries = new Map<string, Value>();
  for (const [key, item] of Object.entries(json)) entries.set(key, valueFromJson(item, undefined, depth + 1));
  return objectOf(entries, marks);
}

/**
 * The value without its marks, as JSON data.
 *
 * @throws {ValueError} with `limit` for values nested too deeply, or with more elements than any honest one: sharing
 *   lets a small expression stand for an enormous tree.
 */
export function valueToJson(value: Value): JsonValue {
  let elementsLeft = expressionLimits.maxWork;
  const convert = (part: Value, depth: number): JsonValue => {
    if (depth > expressionLimits.maxValueDepth) throw new ValueError("limit", "value is nested too deeply");
    if (--elementsLeft < 0) throw new ValueError("limit", "value is too large");
    switch (part.kind) {
      case "null":
        return null;
      case "array":
        return part.items.map((item) => convert(item, depth + 1));
      case "object":
        // fromEntries makes own properties, also of a key named __proto__
        return Object.fromEntries([...part.entries].map(([key, item]) => [key, convert(item, depth + 1)]));
      default:
        return part.value;
    }
  };
  return convert(value, 0);
}

/** The marks of a value and of all its elements: what the check of §4.4 looks at. */
export function deepMarks(value: Value): Marks {
  const seen = new Set<Value>();
  let marks: Marks;
  const collect = (part: Value): void => {
    if (seen.has(part)) return; // elements may be shared many times over
    seen.add(part);
    marks = mergeMarks(marks, part.marks);
    if (part.kind === "array") for (const item of part.items) collect(item);
    if (part.kind === "object") for (const item of part.entries.values()) collect(item);
  };
  collect(value);
  return marks;
}
