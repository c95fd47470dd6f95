/** Gives a variable's value; `undefined` and the empty text mean the same. */
export type LookUp = (name: string) => string | undefined;

/** `$NAME`, `${NAME}`, or `$` and one of the characters that are parameters to a shell. Broken `${` forms are eaten. */
const reference = /\$(?:\{(?:([*#$@!?\-0-9])\}|([^}]*)\}|)|([*#$@!?\-0-9])|([A-Za-z0-9_]+))/g;

/**
 * Replaces the references in a text, in one pass: a reference inside a replacement stays as it is.
 *
 * Unknown names become empty, `$$` becomes `$`, the shell's own parameters (`$0`–`$9`, `$*`, `$#`, `$@`, `$!`, `$?`)
 * become empty, and a `$` with no name after it stays.
 *
 * Examples: `a-$B` → `a-` + B, `${B}c` → B + `c`, `$$B` → `$B`, `50$` → `50$`.
 *
 * Rule: runner-protocol.md §3.2.
 */
export function expandVariables(text: string, lookUp: LookUp): string {
  if (!text.includes("$")) return text;
  return text.replace(reference, (_, bracedSpecial, bracedName, special, name) => {
    const parameter = bracedSpecial ?? special;
    if (parameter !== undefined) return parameter === "$" ? "$" : "";
    const variable = bracedName ?? name;
    return variable === undefined ? "" : (lookUp(variable) ?? "");
  });
}
