import type { Value } from "./value.ts";
import type { WorkMeter } from "./value-error.ts";

const charactersPerUnit = 64;

/** Equality of ci-functions.md §7.4: values of different kinds are never equal, the order of keys does not matter. */
export function valuesEqual(left: Value, right: Value, meter: WorkMeter): boolean {
  if (left.kind !== right.kind) return false;
  if (left.kind === "array" && right.kind === "array" && left.items.length !== right.items.length) return false;
  return compareValues(left, right, meter) === 0;
}

// Order across kinds (§7.4).
const kindOrder: readonly Value["kind"][] = ["null", "boolean", "number", "string", "array", "object"];

/** Ordering of ci-functions.md §7.4, total over all values. @returns negative, zero or positive. */
export function compareValues(left: Value, right: Value, meter: WorkMeter): number {
  meter.spend(1);
  switch (left.kind) {
    case "null":
      if (right.kind === "null") return 0;
      break;
    case "boolean":
      if (right.kind === "boolean") return Number(left.value) - Number(right.value);
      break;
    case "number":
      if (right.kind === "number") return left.value < right.value ? -1 : left.value > right.value ? 1 : 0;
      break;
    case "string":
      if (right.kind === "string") return compareTexts(left.value, right.value, meter);
      break;
    case "array":
      if (right.kind === "array") return compareArrays(left.items, right.items, meter);
      break;
    case "object":
      if (right.kind === "object") return compareObjects(left.entries, right.entries, meter);
      break;
  }
  return kindOrder.indexOf(left.kind) - kindOrder.indexOf(right.kind);
}

/** The first differing element decides, otherwise the shorter is smaller. */
function compareArrays(left: readonly Value[], right: readonly Value[], meter: WorkMeter): number {
  for (const [index, item] of left.entries()) {
    const other = right[index];
    if (other === undefined) return 1;
    const order = compareValues(item, other, meter);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

/** Fewer keys first, then the sorted keys, then the values in that order. */
function compareObjects(left: ReadonlyMap<string, Value>, right: ReadonlyMap<string, Value>, meter: WorkMeter): number {
  if (left.size !== right.size) return left.size - right.size;
  const leftEntries = sortedEntries(left, meter);
  const rightEntries = sortedEntries(right, meter);
  const pairs = leftEntries.map((entry, index) => [entry, rightEntries[index] ?? entry] as const);
  for (const [[leftKey], [rightKey]] of pairs) {
    const order = compareTexts(leftKey, rightKey, meter);
    if (order !== 0) return order;
  }
  for (const [[, leftValue], [, rightValue]] of pairs) {
    const order = compareValues(leftValue, rightValue, meter);
    if (order !== 0) return order;
  }
  return 0;
}

/** Entries by key, in the order of {@link compareCodePoints}. */
export function sortedEntries(entries: ReadonlyMap<string, Value>, meter: WorkMeter): [string, Value][] {
  meter.spend(entries.size);
  return [...entries].sort(([left], [right]) => compareCodePoints(left, right));
}

function compareTexts(left: string, right: string, meter: WorkMeter): number {
  meter.spend(Math.min(left.length, right.length) / charactersPerUnit);
  return compareCodePoints(left, right);
}

/** Compares by code point, which is the order of UTF-8 bytes; `<` of JavaScript differs above U+FFFF. */
export function compareCodePoints(left: string, right: string): number {
  if (left === right) return 0;
  const length = Math.min(left.length, right.length);
  let at = 0;
  while (at < length && left.charCodeAt(at) === right.charCodeAt(at)) at++;
  if (at === length) return left.length - right.length;
  return codePointRank(left.charCodeAt(at)) - codePointRank(right.charCodeAt(at));
}

/** Surrogates stand for code points above all that one UTF-16 unit can name. */
function codePointRank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
