import { invalidKind } from "./operations.ts";
import { mergeMarks, type Value, withMarks } from "./value.ts";
import { ValueError } from "./value-error.ts";

const maxListedNames = 12;

/** `target.name` (ci-functions.md §7.7). What is read from a sensitive container is sensitive (§7.9). */
export function readMember(target: Value, name: string): Value {
  if (target.kind === "array") throw new ValueError("attribute not found");
  if (target.kind !== "object") throw invalidKind(`${target.kind} has no attributes`);
  const value = target.entries.get(name);
  if (value === undefined) {
    throw new ValueError(
      "attribute not found",
      `attribute not found${target.marks === undefined ? listNames(target.entries) : ""}`,
    );
  }
  return withMarks(value, mergeMarks(target.marks, value.marks));
}

/** `target[key]` (§7.7): arrays take whole numbers from 0, objects take strings. */
export function readIndex(target: Value, key: Value): Value {
  const value = elementAt(target, key);
  return withMarks(value, mergeMarks(mergeMarks(target.marks, key.marks), value.marks));
}

function elementAt(target: Value, key: Value): Value {
  if (target.kind === "object") {
    if (key.kind !== "string") throw invalidKey(`an object needs a string, found ${key.kind}`);
    return readMember(target, key.value);
  }
  if (target.kind !== "array") throw invalidKind(`${target.kind} has no elements`);
  if (key.kind !== "number") throw invalidKey(`an array needs a number, found ${key.kind}`);
  if (!Number.isInteger(key.value)) throw invalidKey("an array needs a whole number");
  const item = target.items[key.value];
  if (item === undefined) {
    const count = target.marks === undefined ? ` (the array has ${target.items.length})` : "";
    throw new ValueError("array index out of range", `array index out of range${count}`);
  }
  return item;
}

/** Names that do exist, for the error of one that does not; upstream lists none. */
export function listNames(entries: ReadonlyMap<string, unknown>): string {
  const names = [...entries.keys()];
  if (names.length === 0) return " (there are none)";
  const shown = names.slice(0, maxListedNames).join(", ");
  return ` (there are: ${shown}${names.length > maxListedNames ? ", …" : ""})`;
}

export function invalidKey(why: string): ValueError {
  return new ValueError("invalid key", `invalid key: ${why}`);
}
