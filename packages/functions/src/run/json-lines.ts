import type { JsonValue } from "../expression/json-value.ts";

const maxLineCharacters = 1024 * 1024; // E25 reads 65,535 bytes and stops without a word (ci-functions.md §4.5)

/** What a file of JSON lines says, or its first fault. */
export type JsonLines =
  | { readonly kind: "values"; readonly values: ReadonlyMap<string, Exclude<JsonValue, null>> }
  | { readonly kind: "fault"; readonly line: number; readonly what: string; readonly text: string };

/**
 * Reads an output or export file: one object with `name` and `value` a line; the last of a name wins
 * (ci-functions.md §4.5). A fault never quotes the line, which may hold a secret; `text` has it for debugging.
 */
export function readJsonLines(content: string): JsonLines {
  const values = new Map<string, Exclude<JsonValue, null>>();
  for (const [index, line] of content.split("\n").entries()) {
    if (line.trim() === "") continue;
    const entry = readLine(line);
    if (typeof entry === "string") return { kind: "fault", line: index + 1, what: entry, text: line };
    values.set(entry.name, entry.value);
  }
  return { kind: "values", values };
}

function readLine(line: string): { name: string; value: Exclude<JsonValue, null> } | string {
  if (line.length > maxLineCharacters) return `the line is longer than ${maxLineCharacters} characters`;
  let entry: unknown;
  try {
    entry = JSON.parse(line, refuseInfinite);
  } catch {
    return 'not a JSON object such as {"name":"size","value":1}';
  }
  if (typeof entry !== "object" || entry === null || Array.isArray(entry)) {
    return 'not a JSON object such as {"name":"size","value":1}';
  }
  const { name, value } = entry as { name?: unknown; value?: JsonValue };
  if (name === undefined) return '"name" field is missing';
  if (name === null) return '"name" field value is null';
  if (typeof name !== "string") return '"name" field value is not a string';
  if (name === "") return '"name" field value is empty';
  if (value === undefined) return '"value" field is missing';
  if (value === null) return '"value" field value is null';
  return { name, value };
}

function refuseInfinite(_key: string, value: unknown): unknown {
  if (typeof value === "number" && !Number.isFinite(value)) throw new RangeError("number out of range");
  return value;
}

/** Plain decimal of a number, never with an exponent: exports are read by shells (§4.5). */
export function plainDecimal(value: number): string {
  const [, sign = "", whole = "", fraction = "", exponentText] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value === 0 ? 0 : value)) ?? [];
  if (exponentText === undefined) return String(value === 0 ? 0 : value);
  const exponent = Number(exponentText);
  const digits = whole + fraction;
  const point = whole.length + exponent;
  if (point <= 0) return `${sign}0.${"0".repeat(-point)}${digits}`;
  if (point >= digits.length) return sign + digits + "0".repeat(point - digits.length);
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}
