import { createHash } from "node:crypto";
import type { AuthSpec } from "./auth-spec.ts";
import { createTokenSource, type TokenSourceDeps } from "./create-token-source.ts";
import type { TokenSource } from "./token-source.ts";

/** Beyond, the one that was asked for least recently is forgotten, and made anew for the next endpoint that wants it. */
const maxSources = 256;

/**
 * Gives endpoints with the same authentication the same source, so that a token for an audience is fetched once for all of
 * them (telemetry.md §6).
 */
export function createSharedTokenSources(deps: TokenSourceDeps): (spec: AuthSpec) => TokenSource {
  /** By a hash, since a spec may be a secret; in the order of their last use, the latest last. */
  const sources = new Map<string, TokenSource>();

  return (spec) => {
    const key = createHash("sha256").update(stableJson(spec)).digest("base64");
    const source = sources.get(key) ?? createTokenSource(spec, deps);
    sources.delete(key);
    sources.set(key, source);
    const [oldest] = sources.keys();
    if (sources.size > maxSources && oldest !== undefined) sources.delete(oldest);
    return source;
  };
}

/** JSON with the keys of every object in order, so that equal values give equal texts. */
export function stableJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === "object" && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
}
