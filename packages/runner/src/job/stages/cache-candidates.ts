import path from "node:path";
import { type CacheKey, cacheKeyOf, isProtectedFallback } from "../../cache/cache-key.ts";
import { cachePolicyOf } from "../../cache/cache-policy.ts";
import type { CacheLocation } from "../../cache/local-cache.ts";
import { remoteObjectName } from "../../cache/remote/object-name.ts";
import type { CacheEntry } from "../../coordinator-client/job.ts";
import type { JobRun } from "../job-run.ts";
import type { StageOutput } from "./stage-output.ts";

/** An archive that may be there: on the disk, and in the runner's store if it has one. */
export interface CacheCandidate extends CacheLocation {
  /** Its name in a store; `undefined` when a store may not have it. */
  readonly objectName: string | undefined;
}

/** Entries without paths name nothing. */
export function isCacheUsed(entry: CacheEntry): boolean {
  return entry.paths.length > 0 || entry.includesUntracked;
}

/** Where the entry's own key leads. `undefined`, and said in the log, when the key cannot be used. */
export function mainCache(
  run: JobRun,
  entry: CacheEntry,
  output: StageOutput,
  action: "extraction" | "archiving",
): CacheCandidate | undefined {
  return locate(run, resolve(run, entry.key), output, action);
}

/** Where to look when the entry's own archive is missing, in order. Rule: runner-protocol.md §3.7. */
export function fallbackCaches(run: JobRun, entry: CacheEntry, output: StageOutput): CacheCandidate[] {
  const keys = entry.fallbackKeys.map(run.variables.expand).filter((key) => key !== "");
  const locations = keys.map((key) => locate(run, resolve(run, key), output, "extraction"));
  const fromVariable = run.variables.valueOf("CACHE_FALLBACK_KEY");
  if (fromVariable !== "") {
    if (isProtectedFallback(fromVariable)) {
      output.warning(`CACHE_FALLBACK_KEY ${JSON.stringify(fromVariable)} not allowed to end in "-protected"`);
    } else locations.push(locate(run, resolve(run, fromVariable), output, "extraction"));
  }
  return locations.filter((location) => location !== undefined);
}

/** @throws when the policy is a word of no meaning: that fails the job. */
export function policyOf(run: JobRun, entry: CacheEntry, key: string) {
  const word = run.variables.expand(entry.policy);
  const policy = cachePolicyOf(word);
  if (policy === undefined) throw new Error(`unknown cache policy ${word} for ${key}`);
  return { ...policy, word: word === "" ? "pull-push" : word };
}

function resolve({ options, variables, flags }: JobRun, key: string): CacheKey {
  return cacheKeyOf({
    key: variables.expand(key),
    jobName: options.job.name,
    ref: options.job.git.ref,
    isHashed: flags.FF_HASH_CACHE_KEYS,
  });
}

function locate(
  { directories, options, flags }: JobRun,
  resolved: CacheKey,
  output: StageOutput,
  action: "extraction" | "archiving",
): CacheCandidate | undefined {
  if (resolved.warning !== undefined) output.warning(resolved.warning);
  if (resolved.kind === "unusable") {
    output.notice(`Skipping cache ${action} due to ${resolved.why}`);
    return undefined;
  }
  const { shortToken, cache } = options.runner;
  const objectName = remoteObjectName({
    path: cache.path,
    shortRunnerToken: cache.isShared ? undefined : shortToken,
    projectId: options.job.project.id,
    key: resolved.directory,
    isHashed: flags.FF_HASH_CACHE_KEYS,
  });
  return { directory: path.join(directories.cache, resolved.directory), key: resolved.key, objectName };
}
