import { parseError } from "./expression-error.ts";

/**
 * One token of an expression. Quotes are tokens of their own (`"` and `'` open a string): what follows them is read by
 * {@link lexTextPiece} and {@link lexRawString}, because a template inside a string returns to expressions.
 */
export type Token =
  | { readonly kind: "end"; readonly start: number; readonly end: number }
  | { readonly kind: "word"; readonly text: string; readonly start: number; readonly end: number }
  | { readonly kind: "number"; readonly value: number; readonly start: number; readonly end: number }
  | { readonly kind: "sign"; readonly text: string; readonly start: number; readonly end: number };

const whitespace = /[ \t\r\n]*/y;
const word = /[\p{L}_][\p{L}\p{Nd}_]*/uy;
// 0, 007, 3.14, 1.5e3, 2E-4; not .5, 5., 0x10, 1_000
const number = /[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const sign = /\|\||&&|[=!<>]=|[<>+\-*/%!()[\]{},:."']/y;

/** Reads the token at `offset`, after whitespace. Rule: ci-functions.md §7.1. */
export function lexToken(source: string, offset: number): Token {
  const start = offset + matchLength(whitespace, source, offset);
  if (start >= source.length) return { kind: "end", start, end: start };
  const signLength = matchLength(sign, source, start);
  if (signLength > 0) {
    return { kind: "sign", text: source.slice(start, start + signLength), start, end: start + signLength };
  }
  const wordLength = matchLength(word, source, start);
  if (wordLength > 0) {
    return { kind: "word", text: source.slice(start, start + wordLength), start, end: start + wordLength };
  }
  const numberLength = matchLength(number, source, start);
  if (numberLength > 0) return numberToken(source, start, start + numberLength);
  throw parseError(`unexpected character ${quoteCharacter(source, start)}`, source, start);
}

function numberToken(source: string, start: number, end: number): Token {
  if (matchLength(word, source, end) > 0) {
    throw parseError("a number must not be followed by a letter", source, end);
  }
  const value = Number(source.slice(start, end));
  if (!Number.isFinite(value)) throw parseError("number out of range", source, start);
  return { kind: "number", value, start, end };
}

/** How a piece of a double-quoted string ended: with the closing quote, or where a template opens. */
export interface TextPiece {
  readonly text: string;
  readonly stop: "quote" | "template";
  /** Offset behind the quote, or behind `${{`. */
  readonly end: number;
}

const plainText = /[^"\\$]*/y;
const simpleEscapes: Readonly<Record<string, string>> = {
  "\\": "\\",
  '"': '"',
  "/": "/",
  $: "$",
  a: "\u0007",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/**
 * Reads a double-quoted string from `offset` up to its closing quote or the next template (§7.2).
 *
 * @param quoteStart offset of the opening quote, for the error of a string that never closes.
 */
export function lexTextPiece(source: string, offset: number, quoteStart: number): TextPiece {
  let text = "";
  let at = offset;
  for (;;) {
    const plainLength = matchLength(plainText, source, at);
    text += source.slice(at, at + plainLength);
    at += plainLength;
    if (at >= source.length) throw parseError("string not terminating", source, quoteStart);
    if (source[at] === '"') return { text: text.toWellFormed(), stop: "quote", end: at + 1 };
    if (source[at] === "$") {
      if (source.startsWith("${{", at)) return { text: text.toWellFormed(), stop: "template", end: at + 3 };
      text += "$";
      at += 1;
      continue;
    }
    const escaped = readEscape(source, at, quoteStart);
    text += escaped.text;
    at = escaped.end;
  }
}

const fourHexDigits = /[0-9a-fA-F]{4}/y;

function readEscape(source: string, at: number, quoteStart: number): { text: string; end: number } {
  if (source.startsWith("\\${{", at)) return { text: "${{", end: at + 4 };
  const letter = source[at + 1];
  if (letter === undefined) throw parseError("string not terminating", source, quoteStart);
  if (letter === "u") {
    if (matchLength(fourHexDigits, source, at + 2) === 0) {
      throw parseError("\\u needs four hexadecimal digits", source, at);
    }
    return { text: String.fromCharCode(Number.parseInt(source.slice(at + 2, at + 6), 16)), end: at + 6 };
  }
  const text = Object.hasOwn(simpleEscapes, letter) ? simpleEscapes[letter] : undefined;
  if (text === undefined) throw parseError(`unknown escape \\${quoteCharacter(source, at + 1)}`, source, at);
  return { text, end: at + 2 };
}

const rawText = /[^'\\]*/y;

/** Reads a single-quoted string from behind its opening quote; only `\\` and `\'` are escapes (§7.2). */
export function lexRawString(source: string, offset: number): { text: string; end: number } {
  let text = "";
  let at = offset;
  for (;;) {
    const length = matchLength(rawText, source, at);
    text += source.slice(at, at + length);
    at += length;
    if (at >= source.length) throw parseError("string not terminating", source, offset - 1);
    if (source[at] === "'") return { text, end: at + 1 };
    const escaped = source[at + 1];
    if (escaped === undefined) throw parseError("string not terminating", source, offset - 1);
    if (escaped !== "\\" && escaped !== "'") {
      throw parseError(`unknown escape \\${quoteCharacter(source, at + 1)} in a single-quoted string`, source, at);
    }
    text += escaped;
    at += 2;
  }
}

/** True when the whole text is one identifier by the rule of §7.1, reserved or not. */
export function isWord(text: string): boolean {
  return text.length > 0 && matchLength(word, text, 0) === text.length;
}

function matchLength(pattern: RegExp, source: string, offset: number): number {
  pattern.lastIndex = offset;
  return pattern.test(source) ? pattern.lastIndex - offset : 0;
}

function quoteCharacter(source: string, offset: number): string {
  const character = String.fromCodePoint(source.codePointAt(offset) ?? 0xfffd);
  return /[\p{C}\p{Z}]/u.test(character) ? JSON.stringify(character) : `'${character}'`;
}
