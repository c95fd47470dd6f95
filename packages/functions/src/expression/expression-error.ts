import { excerptAt, positionOf } from "../text-position.ts";

/** Causes of ci-functions.md §7.10; `parse` for texts that are no template, `limit` for our own bounds. */
export type ExpressionErrorCode =
  | "parse"
  | "attribute not found"
  | "array index out of range"
  | "invalid key"
  | "invalid kind"
  | "division by zero"
  | "wrong number of arguments"
  | "not a function"
  | "not a valid number"
  | "number out of range"
  | "limit";

/**
 * A template that cannot be read or evaluated. The only error the expression language throws.
 *
 * Its texts quote the source, never a value.
 */
export class ExpressionError extends Error {
  override readonly name = "ExpressionError";
  readonly code: ExpressionErrorCode;
  readonly #source: string;
  readonly #offset: number;

  constructor(code: ExpressionErrorCode, message: string, source: string, offset: number) {
    super(message);
    this.code = code;
    this.#source = source;
    this.#offset = offset;
  }

  // Worked out when asked for: `||` catches errors of names that do not exist, and shows none of them.

  /** Place in the text of the field, from 1. */
  get line(): number {
    return positionOf(this.#source, this.#offset).line;
  }

  get column(): number {
    return positionOf(this.#source, this.#offset).column;
  }

  /** The source line, and a caret below the place. */
  get excerpt(): string {
    return excerptAt(this.#source, this.#offset);
  }
}

/** @returns an error in the shape `parser: <what> at <line>:<column>` (§7.10). */
export function parseError(what: string, source: string, offset: number): ExpressionError {
  const { line, column } = positionOf(source, offset);
  return new ExpressionError("parse", `parser: ${what} at ${line}:${column}`, source, offset);
}

const maxQuotedPart = 80;

/** @returns an error in the shape `evaluating expression failed at "<source part>": <cause>` (§7.10). */
export function evaluationError(
  code: ExpressionErrorCode,
  cause: string,
  source: string,
  part: { readonly start: number; readonly end: number },
): ExpressionError {
  const text = source.slice(part.start, part.end);
  const quoted = text.length > maxQuotedPart ? `${text.slice(0, maxQuotedPart).toWellFormed()}…` : text;
  return new ExpressionError(code, `evaluating expression failed at "${quoted}": ${cause}`, source, part.start);
}
