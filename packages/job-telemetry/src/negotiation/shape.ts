import type { NegotiationWarning } from "./negotiation.ts";

const harmlessWord = /^[A-Za-z0-9_+.-]{1,40}$/;

/** What a value is, without saying what it holds: for the runner log, which gets no excerpts of payloads. */
export function shapeOf(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === "string") return `a string of ${value.length} characters`;
  return `a value of type ${typeof value}`;
}

/** A short name of something (a scheme, a kind of auth) as it is, anything else as its shape. */
export function nameOrShape(value: unknown): string {
  return typeof value === "string" && harmlessWord.test(value) ? `"${value}"` : shapeOf(value);
}

/** The warning that something in the payload is not what it should be. */
export function malformed(
  message: string,
  what: { where: string; expected: string; found: string },
): NegotiationWarning {
  return { message, fields: { where: what.where, expected: what.expected, found: what.found } };
}
