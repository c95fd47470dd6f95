import { defaultTokenPrefixes, type MaskRules } from "./rules.ts";

/** The runner's bound on token prefixes. Source: runner-protocol.md §2.9. */
const maxTokenPrefixes = 15;

/** Trims, drops empty ones and duplicates, longest first. Source: runner-protocol.md §2.9, "phrases". */
export function phrasesInForce(phrases: readonly string[]): string[] {
  const trimmed = phrases.map((phrase) => phrase.trim()).filter((phrase) => phrase !== "");
  return [...new Set(trimmed)].sort((a, b) => Buffer.byteLength(b) - Buffer.byteLength(a));
}

/**
 * The token prefixes that are looked for: built-in and given ones, without duplicates, the 15 shortest.
 *
 * The sort is stable, so that built-in prefixes win over given ones of the same length.
 */
export function tokenPrefixesInForce(rules: MaskRules): string[] {
  const builtIn = rules.defaultTokenPrefixes === "glpat-only" ? ["glpat-"] : defaultTokenPrefixes;
  const all = [...builtIn, ...(rules.tokenPrefixes ?? [])].map((prefix) => prefix.trim());
  const unique = [...new Set(all)].filter((prefix) => prefix !== "");
  return unique.sort((a, b) => a.length - b.length).slice(0, maxTokenPrefixes);
}
