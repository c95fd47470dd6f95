/**
 * Expands `$NAME`, `${NAME}`, `${NAME:-default}` and `${NAME-default}` as a shell would between double quotes.
 *
 * A backslash takes the meaning of a following `$`, `` ` ``, `"` or backslash away. Commands are never run: what looks
 * like one stays as it is.
 *
 * Rule: runner-protocol.md §3.2 (paths and names of caches and artifacts).
 */
export function expandShellText(text: string, lookUp: (name: string) => string | undefined): string {
  return text.replace(reference, (whole, escaped, name, bracedName, operator, fallback) => {
    if (escaped !== undefined) return escaped;
    if (name !== undefined) return lookUp(name) ?? "";
    if (bracedName === undefined) return whole;
    const value = lookUp(bracedName);
    if (operator === undefined) return value ?? "";
    const isMissing = operator === ":-" ? (value ?? "") === "" : value === undefined;
    return isMissing ? expandShellText(fallback, lookUp) : (value ?? "");
  });
}

const reference = /\\([$`"\\])|\$([A-Za-z_][A-Za-z0-9_]*)|\$\{([A-Za-z_][A-Za-z0-9_]*)(?:(:?-)([^}]*))?\}/g;
