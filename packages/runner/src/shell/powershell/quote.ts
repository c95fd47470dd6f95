/** Printable ASCII: inside single quotes as it is, but for the quote itself. */
const isPlain = /^[\x20-\x7e]*$/;

/** How PowerShell's double quotes spell the characters that have a name. Source: about_Special_Characters. */
const namedEscapes: ReadonlyMap<string, string> = new Map([
  ["\x07", "`a"],
  ["\b", "`b"],
  ["\x1b", "`e"],
  ["\f", "`f"],
  ["\n", "`n"],
  ["\r", "`r"],
  ["\t", "`t"],
  ["\v", "`v"],
  ["`", "``"],
  ["$", "`$"],
  ['"', '`"'],
  // Not needed by PowerShell, but by tools that take it for the beginning of a comment after a line's end.
  ["#", "`#"],
]);

/**
 * One word of PowerShell (6 and later), in which nothing is expanded. Its spelling is printable ASCII whatever the text
 * is: neither the console's encoding nor the typographic quotes, which PowerShell takes for quotes, can change it.
 *
 * NUL, which no environment variable can hold, is left out.
 *
 * Examples: `a'b` → `'a''b'`, `é` → `` "`u{e9}" ``.
 */
export function quoteForPowerShell(text: string): string {
  const whole = text.replaceAll("\0", "").toWellFormed();
  if (isPlain.test(whole)) return `'${whole.replaceAll("'", "''")}'`;
  let quoted = '"';
  for (const character of whole) quoted += namedEscapes.get(character) ?? spell(character);
  return `${quoted}"`;
}

function spell(character: string): string {
  return isPlain.test(character) ? character : `\`u{${character.codePointAt(0)?.toString(16)}}`;
}

/** The name of a variable after `$` or in a drive, as in `${env:A-B}`; anything can stand between the braces. */
export function variableName(name: string): string {
  return /^\w+$/.test(name) ? name : `{${name.replace(/[{}`]/g, "`$&")}}`;
}
