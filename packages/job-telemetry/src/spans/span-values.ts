import type { Masker } from "@jobscope/labkit";
import type { Attributes, AttributeValue } from "@opentelemetry/api";
import { attributesBySpan, type SpanAttributes } from "../attributes.ts";
import type { FaultGuard } from "./fault-guard.ts";

/** Values are cut here. Rule: telemetry.md §4 and §5. */
const maxValueBytes = 4096;
/** A longer text is not looked at: masking must come before cutting, and must not take long. */
const maxMaskedLength = 256 * 1024;

/** What is seen of a text that the masker failed on: nothing. */
const unmaskable = "[left out: it could not be masked]";

const knownNames: ReadonlySet<string> = new Set(Object.values(attributesBySpan).flatMap((group) => Object.keys(group)));

/**
 * The one place that all text of spans goes through before the SDK sees it: masked first, then cut at 4 KiB on a code
 * point border (a secret that is cut in two would not be found any more). Counts what it did.
 *
 * Rule: telemetry.md §5.
 */
export class SpanValues {
  readonly #masker: Masker;
  readonly #guard: FaultGuard;
  #truncated = 0;
  #masked = 0;

  constructor(masker: Masker, guard: FaultGuard) {
    this.#masker = masker;
    this.#guard = guard;
  }

  /** Values cut so far. */
  get truncatedValues(): number {
    return this.#truncated;
  }

  /** Values so far in which something was masked; one value counts once however many secrets it held. */
  get maskedValues(): number {
    return this.#masked;
  }

  /** The text as it may be seen. */
  text(value: string): string {
    return this.#cut(this.#mask(value), maxValueBytes);
  }

  /** Attributes as they may be seen; values that no attribute can have (undefined, NaN, objects) are left out. */
  attributes(attributes: SpanAttributes): Attributes {
    const clean: Attributes = {};
    for (const [name, value] of Object.entries(attributes)) {
      const cleanValue = this.#value(value);
      if (cleanValue !== undefined) clean[knownNames.has(name) ? name : this.text(name)] = cleanValue;
    }
    return clean;
  }

  #value(value: unknown): AttributeValue | undefined {
    if (typeof value === "string") return this.text(value);
    if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
    if (typeof value === "boolean") return value;
    return Array.isArray(value) ? this.#list(value) : undefined;
  }

  /** Texts of one list share the 4 KiB. */
  #list(values: readonly unknown[]): string[] {
    const clean: string[] = [];
    let roomBytes = maxValueBytes;
    for (const value of values) {
      if (typeof value !== "string") continue;
      if (roomBytes <= 0) {
        this.#truncated += 1;
        break;
      }
      const text = this.#cut(this.#mask(value), roomBytes);
      roomBytes -= Buffer.byteLength(text);
      clean.push(text);
    }
    return clean;
  }

  #mask(value: string): string {
    if (value.length > maxMaskedLength) {
      this.#truncated += 1;
      return `[${value.length} characters left out]`;
    }
    const text = value.isWellFormed() ? value : value.toWellFormed();
    const masked = this.#guard.run("masking", () => this.#masker.mask(text), unmaskable);
    if (masked !== text) this.#masked += 1;
    return masked;
  }

  #cut(text: string, maxBytes: number): string {
    // UTF-8 has at most 3 bytes a UTF-16 unit, so most texts need not be measured.
    if (text.length * 3 <= maxBytes || Buffer.byteLength(text) <= maxBytes) return text;
    this.#truncated += 1;
    const bytes = Buffer.from(text);
    let end = maxBytes;
    while (end > 0 && isContinuation(bytes[end])) end -= 1;
    return bytes.toString("utf8", 0, end);
  }
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
