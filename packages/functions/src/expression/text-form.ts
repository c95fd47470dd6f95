import { sortedEntries } from "./compare.ts";
import { expressionLimits } from "./limits.ts";
import type { Value } from "./value.ts";
import { ValueError, type WorkMeter } from "./value-error.ts";

const charactersPerUnit = 64;

/**
 * The text a value becomes in `str()`, in mixed text and where a string is wanted (ci-functions.md §7.8): strings as they
 * are, `<null>`, shortest numbers, arrays and objects like JSON with a blank after `,` and `:` and sorted keys.
 *
 * @throws {ValueError} with `limit` when the text would be enormous.
 */
export function textOf(value: Value, meter: WorkMeter): string {
  if (value.kind === "string") return value.value;
  if (value.kind === "null") return "<null>";
  const writer = new TextWriter(meter);
  writer.write(value, 0);
  return writer.text;
}

/** Shortest decimal that round-trips, `0` for minus zero, an exponent from 1e21 and below 1e-6. */
function numberText(value: number): string {
  return String(value === 0 ? 0 : value);
}

function leafText(value: Exclude<Value, { kind: "array" | "object" }>): string {
  switch (value.kind) {
    case "null":
      return "null";
    case "boolean":
      return String(value.value);
    case "number":
      return numberText(value.value);
    case "string":
      return JSON.stringify(value.value);
  }
}

class TextWriter {
  text = "";
  readonly #meter: WorkMeter;

  constructor(meter: WorkMeter) {
    this.#meter = meter;
  }

  write(value: Value, depth: number): void {
    if (depth > expressionLimits.maxValueDepth) throw new ValueError("limit", "value is nested too deeply");
    if (value.kind === "array") {
      this.#list("[", value.items, "]", (item) => this.write(item, depth + 1));
    } else if (value.kind === "object") {
      this.#list("{", sortedEntries(value.entries, this.#meter), "}", ([key, item]) => {
        this.#append(`${JSON.stringify(key)}: `);
        this.write(item, depth + 1);
      });
    } else this.#append(leafText(value));
  }

  #list<T>(open: string, items: readonly T[], close: string, writeItem: (item: T) => void): void {
    this.#append(open);
    items.forEach((item, index) => {
      if (index > 0) this.#append(", ");
      writeItem(item);
    });
    this.#append(close);
  }

  #append(piece: string): void {
    this.#meter.spend(1 + piece.length / charactersPerUnit);
    if (this.text.length + piece.length > expressionLimits.maxTextLength) {
      throw new ValueError("limit", "text is too long");
    }
    this.text += piece;
  }
}
