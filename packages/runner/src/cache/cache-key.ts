import { createHash } from "node:crypto";

/** Which archive a key means. */
export type CacheKey =
  | {
      readonly kind: "usable";
      /** For people. */
      readonly key: string;
      /** Directory below the project's cache root. */
      readonly directory: string;
      /** Set when the key was changed. */
      readonly warning: string | undefined;
    }
  | { readonly kind: "unusable"; readonly why: string; readonly warning: string | undefined };

export interface CacheKeyInput {
  /** Expanded. Empty: the default, `<job name>/<ref>`. */
  readonly key: string;
  readonly jobName: string;
  readonly ref: string;
  /** `FF_HASH_CACHE_KEYS`: the directory is a digest, and every key can be used. */
  readonly isHashed: boolean;
}

/** Rule: runner-protocol.md §3.7. */
export function cacheKeyOf({ key: wish, jobName, ref, isHashed }: CacheKeyInput): CacheKey {
  const raw = wish === "" ? resolveSegments(`${jobName}/${ref}`).join("/") : wish;
  if (raw === "") return { kind: "unusable", why: "empty cache key", warning: undefined };
  if (isHashed) {
    const directory = createHash("sha256").update(raw).digest("hex");
    return { kind: "usable", key: raw, directory, warning: undefined };
  }
  const key = sanitizeCacheKey(raw);
  if (key === "") {
    const warning = `cache key ${JSON.stringify(raw)} could not be sanitized`;
    return { kind: "unusable", why: "empty cache key", warning };
  }
  const changed = `cache key ${JSON.stringify(raw)} sanitized to ${JSON.stringify(key)}`;
  return { kind: "usable", key, directory: key, warning: key === raw ? undefined : changed };
}

/**
 * Makes a key fit to be a path that cannot leave its root: `%2f` and `%2e` are read, backslashes are slashes, `.` and
 * `..` are resolved, blanks at the end go. Empty when nothing is left.
 */
export function sanitizeCacheKey(raw: string): string {
  const decoded = raw.replace(/%2f/gi, "/").replace(/%2e/gi, ".").replaceAll("\\", "/");
  const key = trimLastSegments(resolveSegments(decoded)).join("/");
  // Without its blanks a segment can be `..`, and a decoded key can hold what would be decoded again.
  return key === raw ? key : sanitizeCacheKey(key);
}

function trimLastSegments(segments: string[]): string[] {
  const last = segments.at(-1);
  if (last === undefined) return [];
  const others = segments.slice(0, -1);
  return last.trimEnd() === "" ? trimLastSegments(others) : [...others, last.trimEnd()];
}

/** `-protected` caches are for protected branches: a variable must not lead there. */
export function isProtectedFallback(key: string): boolean {
  return key.replace(/[. ]+$/, "").endsWith("-protected");
}

function resolveSegments(path: string): string[] {
  const segments: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "..") segments.pop();
    else if (segment !== "" && segment !== ".") segments.push(segment);
  }
  return segments;
}
