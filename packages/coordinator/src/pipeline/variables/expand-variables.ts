import type { Variable } from "./variable.ts";

/* $$ or %% (kept for the runner) — $NAME — ${NAME} — %NAME% */
const references = /\$\$|%%|\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))|%([A-Za-z_]\w*)%/g;

/**
 * Replaces references to variables in a text.
 *
 * @param lookup a variable's value; `undefined` leaves the reference as it is.
 *
 * Rule: GitLab's ExpandVariables.
 */
export function expandText(text: string, lookup: (name: string) => string | undefined): string {
  if (!text.includes("$") && !text.includes("%")) return text;
  return text.replaceAll(references, (reference, braced?: string, bare?: string, percent?: string) => {
    const name = braced ?? bare ?? percent;
    return name === undefined ? reference : (lookup(name) ?? reference);
  });
}

/** As {@link expandText}, where a variable that does not exist becomes empty: for names, tags, URLs. */
export function expandFully(text: string, lookup: (name: string) => string | undefined): string {
  return expandText(text, (name) => lookup(name) ?? "");
}

/**
 * Makes of a list in order of strength the list that a payload carries: one entry a name (the last one wins), references
 * among them resolved. References to `raw` and `file` variables and to unknown ones (the runner's own, such as
 * `CI_PROJECT_DIR`) stay for the runner; so do those that refer to each other in a circle.
 *
 * Rule: GitLab's Collection#sort_and_expand_all with `keep_undefined`; runner-protocol.md §3.2 for what the runner does.
 */
export function resolveVariables(variables: readonly Variable[]): Variable[] {
  const byKey = new Map<string, Variable>();
  for (const entry of variables) {
    byKey.delete(entry.key);
    byKey.set(entry.key, entry);
  }
  const resolved = new Map<string, string | undefined>();
  const resolve = (key: string): string | undefined => {
    const entry = byKey.get(key);
    if (entry === undefined || entry.raw || entry.file) return undefined;
    if (!resolved.has(key)) {
      resolved.set(key, undefined);
      resolved.set(key, expandText(entry.value, resolve));
    }
    return resolved.get(key);
  };
  return [...byKey.values()].map((entry) => (entry.raw ? entry : { ...entry, value: expandedValue(entry, resolve) }));
}

function expandedValue(entry: Variable, resolve: (key: string) => string | undefined): string {
  return entry.file ? expandText(entry.value, resolve) : (resolve(entry.key) ?? entry.value);
}

/** Looks values up in a resolved list, for expressions and for names in the configuration. */
export function lookupIn(variables: readonly Variable[]): (name: string) => string | undefined {
  const byKey = new Map(variables.map((entry) => [entry.key, entry.value]));
  return (name) => byKey.get(name);
}
