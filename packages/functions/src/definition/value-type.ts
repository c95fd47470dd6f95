import type { JsonValue } from "../expression/json-value.ts";
import type { ValueType } from "./function-file.ts";

export const valueTypes: readonly ValueType[] = ["string", "number", "boolean", "struct", "array"];

/** The declared type a value fits, `null` for the one that fits none (ci-functions.md §4.1). No conversion takes place. */
export function typeOf(value: JsonValue): ValueType | "null" {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  switch (typeof value) {
    case "string":
      return "string";
    case "number":
      return "number";
    case "boolean":
      return "boolean";
    default:
      return "struct";
  }
}
