/** Turns any text into one word of a shell's language. */
export type Quote = (text: string) => string;

/** A word of these characters alone needs no quotes in any POSIX shell. */
const plainWord = /^[A-Za-z0-9,./@_-]+$/;

/** How bash's `$'…'` spells the bytes that have a name, by byte. Rule: runner-protocol.md §3.1. */
const namedEscapes: ReadonlyMap<number, string> = new Map([
  [0x07, "\\a"],
  [0x08, "\\b"],
  [0x09, "\\t"],
  [0x0a, "\\n"],
  [0x0b, "\\v"],
  [0x0c, "\\f"],
  [0x0d, "\\r"],
  [0x27, "\\'"],
  [0x5c, "\\\\"],
]);

/** For each byte, how it stands inside `$'…'`. NUL, which no shell variable can hold, is left out. */
const spellingOfByte: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  if (byte === 0) return "";
  const named = namedEscapes.get(byte);
  if (named !== undefined) return named;
  const isPrintable = byte >= 0x20 && byte < 0x7f;
  return isPrintable ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, "0")}`;
});

/** Printable ASCII without quote and backslash: inside `$'…'` as it is. */
const needsNoEscape = /^[\x20-\x26\x28-\x5b\x5d-\x7e]*$/;

/**
 * Quotes for bash: bare where possible, else `$'…'`, so that the script text is printable ASCII whatever the value is.
 *
 * Rule: runner-protocol.md §3.1.
 */
export const quoteForBash: Quote = (text) => {
  if (text === "") return "''";
  if (plainWord.test(text)) return text;
  if (needsNoEscape.test(text)) return `$'${text}'`;
  let quoted = "$'";
  for (const byte of Buffer.from(text, "utf8")) quoted += spellingOfByte[byte];
  return `${quoted}'`;
};

/**
 * Quotes for every POSIX shell: single quotes, inside which nothing is special.
 *
 * For `sh`, which may be dash and then does not know `$'…'`, and for bash with `FF_POSIXLY_CORRECT_ESCAPES`.
 */
export const quoteForPosix: Quote = (text) => {
  if (text === "") return "''";
  if (plainWord.test(text)) return text;
  return `'${text.replaceAll("\0", "").replaceAll("'", "'\\''")}'`;
};
