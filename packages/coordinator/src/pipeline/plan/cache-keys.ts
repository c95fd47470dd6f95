import { createHash } from "node:crypto";
import picomatch from "picomatch";
import type { CacheDefinition } from "../config/job-definition.ts";

/**
 * Turns `key: files` into a key: a hash over the files' contents, so that the cache changes when they do; `default` when
 * none of them exists. Rule: GitLab's reference of `cache:key:files`, whose hash is over commits or contents as well.
 *
 * @param objectIds git object id of every file of the snapshot, by path.
 */
export function resolveCacheKey(
  cache: CacheDefinition,
  objectIds: ReadonlyMap<string, string>,
  expand: (text: string) => string,
): CacheDefinition {
  const { key } = cache;
  if (typeof key === "string") return cache;
  const isWanted = picomatch(key.files.map(expand), { dot: true });
  const found = [...objectIds].filter(([path]) => isWanted(path)).sort(([a], [b]) => (a < b ? -1 : 1));
  const hash = createHash("sha1")
    .update(found.map(([path, id]) => `${path} ${id}\n`).join(""))
    .digest("hex");
  const suffix = found.length === 0 ? "default" : hash;
  return { ...cache, key: key.prefix === undefined ? suffix : `${key.prefix}-${suffix}` };
}
