import { type Base64Form, base64FormsOf, percentDecode } from "./encoded-forms.ts";
import { type MaskRules, maskText } from "./rules.ts";
import { phrasesInForce, tokenPrefixesInForce } from "./rules-in-force.ts";
import { fixedPatterns, type SecretPattern, tokenPrefixPattern } from "./secret-patterns.ts";

/**
 * Masks text that is about to leave the process: span names, attributes, events and the fields of the runner log.
 *
 * It finds every phrase as it is, percent-encoded (also in part) and inside base64, and beside the rules of the job log
 * also credentials in URLs and the values of authentication headers. Rule: telemetry.md §5.
 */
export interface Masker {
  /** The text with every secret replaced by `[MASKED]`. */
  mask(text: string): string;
  /** How many secrets were replaced so far. */
  readonly maskedCount: number;
  /**
   * Adds phrases for as long as the returned object is not disposed of: a job's secrets in the runner log's masker.
   * Phrases added twice stay until both are gone.
   */
  add(phrases: readonly string[]): Disposable;
}

export function createMasker(rules: MaskRules): Masker {
  const patterns = [...fixedPatterns, tokenPrefixPattern(tokenPrefixesInForce(rules))];
  const added = new Set<readonly string[]>();
  let phrases = preparePhrases(rules.phrases);
  let maskedCount = 0;

  const prepareAll = () => {
    phrases = preparePhrases([...rules.phrases, ...[...added].flat()]);
  };

  return {
    mask(text) {
      const spans = [...phrases.flatMap((phrase) => occurrences(text, phrase)), ...encodedOccurrences(text, phrases)];
      const merged = mergeOverlapping(spans);
      maskedCount += merged.length;
      const withoutPhrases = replaceSpans(text, merged);
      return replacePatterns(withoutPhrases, patterns, (count) => {
        maskedCount += count;
      });
    },
    get maskedCount() {
      return maskedCount;
    },
    add(more) {
      const own = [...more];
      added.add(own);
      prepareAll();
      return {
        [Symbol.dispose]() {
          if (added.delete(own)) prepareAll();
        },
      };
    },
  };
}

interface PreparedPhrase {
  readonly text: string;
  readonly base64: readonly Base64Form[];
}

function preparePhrases(phrases: readonly string[]): PreparedPhrase[] {
  return phrasesInForce(phrases).map((text) => ({ text, base64: base64FormsOf(text) }));
}

/** A part of a text, `end` exclusive. */
interface TextSpan {
  readonly start: number;
  readonly end: number;
}

function occurrences(text: string, phrase: PreparedPhrase): TextSpan[] {
  const found = placesOf(text, phrase.text).map((start) => ({ start, end: start + phrase.text.length }));
  for (const form of phrase.base64) {
    for (const place of placesOf(text, form.core)) found.push(withRim(text, place, form));
  }
  return found;
}

function placesOf(text: string, needle: string): number[] {
  const places: number[] = [];
  if (needle.length > text.length) return places;
  for (let at = text.indexOf(needle); at !== -1; at = text.indexOf(needle, at + 1)) places.push(at);
  return places;
}

const isBase64Character = /[A-Za-z0-9+/_-]/;

/** The core and, where they hold bits of the phrase, the characters beside it with the padding. */
function withRim(text: string, place: number, form: Base64Form): TextSpan {
  let start = place;
  let end = place + form.core.length;
  if (form.sharesFirst && isBase64Character.test(text.charAt(start - 1))) start--;
  if (form.sharesLast && isBase64Character.test(text.charAt(end))) end++;
  if (form.sharesLast) while (text.charAt(end) === "=") end++;
  return { start, end };
}

function encodedOccurrences(text: string, phrases: readonly PreparedPhrase[]): TextSpan[] {
  if (phrases.length === 0) return [];
  return [false, true].flatMap((plusIsSpace) => {
    const decoded = percentDecode(text, { plusIsSpace });
    if (decoded === undefined) return [];
    const startAt = (index: number) => decoded.starts[index] ?? text.length;
    return phrases
      .flatMap((phrase) => occurrences(decoded.text, phrase))
      .map(({ start, end }) => ({ start: startAt(start), end: startAt(end) }));
  });
}

/** Overlapping finds become one, so that no end of a phrase looks out from under another's replacement. */
function mergeOverlapping(spans: readonly TextSpan[]): TextSpan[] {
  const merged: TextSpan[] = [];
  for (const span of spans.toSorted((a, b) => a.start - b.start || b.end - a.end)) {
    const last = merged.at(-1);
    if (last === undefined || span.start >= last.end) merged.push(span);
    else if (span.end > last.end) merged[merged.length - 1] = { start: last.start, end: span.end };
  }
  return merged;
}

function replaceSpans(text: string, spans: readonly TextSpan[]): string {
  let masked = "";
  let from = 0;
  for (const { start, end } of spans) {
    masked += text.slice(from, start) + maskText;
    from = end;
  }
  return from === 0 ? text : masked + text.slice(from);
}

function replacePatterns(text: string, patterns: readonly SecretPattern[], count: (replaced: number) => void): string {
  const lowerCase = text.toLowerCase();
  return patterns.reduce((masked, { pattern, mayMatch }) => {
    if (!mayMatch(lowerCase)) return masked;
    return masked.replace(pattern, (whole: string, keptPart: string) => {
      const replaced = keptPart + maskText;
      if (whole !== replaced) count(1);
      return replaced;
    });
  }, text);
}
