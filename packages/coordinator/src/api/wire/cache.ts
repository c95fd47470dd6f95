import type { CacheDefinition } from "../../pipeline/config/job-definition.ts";

/**
 * `cache[]` of a payload. Jobs of protected refs and others never share a cache: the key's suffix tells them apart
 * (runner-protocol.md §3.7, §9.1 #9). `key: files` must have been turned into a key before.
 */
export function wireCache(caches: readonly CacheDefinition[], isProtectedRef: boolean) {
  return caches.map((cache) => {
    const suffix = isProtectedRef || cache.unprotect ? "protected" : "non_protected";
    const key = typeof cache.key === "string" ? cache.key : "default";
    return {
      key: `${key}-${suffix}`,
      fallback_keys: cache.fallbackKeys.map((fallback) => `${fallback}-${suffix}`),
      paths: cache.paths,
      untracked: cache.untracked,
      policy: cache.policy,
      when: cache.when,
    };
  });
}
