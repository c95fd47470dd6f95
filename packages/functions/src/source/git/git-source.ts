import { lstat, readdir, realpath, rm } from "node:fs/promises";
import { join, sep } from "node:path";
import { type GitReference, gitLocation } from "../../definition/reference.ts";
import { FetchMeter, fetchFailure } from "../fetch-limits.ts";
import type { FunctionCache } from "../function-cache.ts";
import type { FetchLimits, LookupContext } from "../function-sources.ts";
import { type GitAccess, gitAccess, isGitRefusal, runGit } from "./git-command.ts";
import { findRevision, type GitTarget } from "./revision.ts";

export interface GitSourceOptions {
  readonly cache: FunctionCache;
  readonly program: string;
  readonly limits: FetchLimits;
}

/** A checkout in the cache. */
export interface GitTree {
  readonly directory: string;
  readonly commit: string;
  readonly downloadedBytes: number;
  readonly cacheHit: boolean;
}

/**
 * Brings a repository at a revision into the cache: shallow, submodules one level deep (ci-functions.md §2.4).
 *
 * @throws {FunctionError} `fetch_failed`
 */
export async function fetchGitTree(
  options: GitSourceOptions,
  reference: GitReference,
  context: Pick<LookupContext, "env" | "signal">,
): Promise<GitTree> {
  const access = gitAccess(options.program, reference.url, context.env, context.signal);
  const { cache } = options;
  await using staging = await cache.createStaging();
  const target = await findRevision(access, staging.directory, reference.revision);
  if (target === undefined) throw unknownRevision(reference);
  if (target.kind !== "abbreviation") {
    const entry = cache.entryPath("git", access.url, target.commit);
    if (await cache.has(entry)) return { directory: entry, commit: target.commit, downloadedBytes: 0, cacheHit: true };
  }
  const meter = new FetchMeter(options.limits);
  const commit = await checkOut(access, staging.directory, target, reference, meter);
  const entry = cache.entryPath("git", access.url, commit);
  await cache.store(staging.directory, entry);
  return { directory: entry, commit, downloadedBytes: meter.downloadedBytes, cacheHit: false };
}

async function checkOut(
  access: GitAccess,
  directory: string,
  target: GitTarget,
  reference: GitReference,
  meter: FetchMeter,
): Promise<string> {
  await runGit(access, directory, ["init", "--quiet"]);
  await withinDownloadLimit(access, directory, meter, (watched) => fetchTarget(watched, directory, target, reference));
  const wanted =
    target.kind === "abbreviation" ? target.prefix : target.kind === "commit" ? target.commit : "FETCH_HEAD";
  const commit = await runGit(access, directory, ["rev-parse", "--verify", "--quiet", `${wanted}^{commit}`]).then(
    (output) => output.trim(),
    (error: unknown) => {
      throw isGitRefusal(error) ? unknownRevision(reference) : error;
    },
  );
  await measureTree(access, directory, commit, meter);
  await runGit(access, directory, ["checkout", "--quiet", "--detach", commit]);
  if (await exists(join(directory, ".gitmodules"))) {
    await runGit(access, directory, ["submodule", "--quiet", "update", "--init", "--depth", "1"]);
  }
  await rm(join(directory, ".git"), { recursive: true, force: true });
  await removeEscapingLinks(directory);
  return commit;
}

const watchIntervalMs = 500;

/** Git cannot bound what it receives, so the packs are watched as they grow, and counted when they are whole. */
async function withinDownloadLimit(
  access: GitAccess,
  directory: string,
  meter: FetchMeter,
  fetch: (access: GitAccess) => Promise<void>,
): Promise<void> {
  const packs = join(directory, ".git", "objects", "pack");
  const tooMuch = new AbortController();
  const watch = async () => {
    try {
      meter.refuseDownloadOf(await fileBytes(packs));
    } catch (error) {
      tooMuch.abort(error);
    }
  };
  const timer = setInterval(() => void watch(), watchIntervalMs);
  try {
    await fetch({ ...access, signal: AbortSignal.any([access.signal, tooMuch.signal]) });
  } finally {
    clearInterval(timer);
  }
  meter.downloaded(await fileBytes(packs, ".pack"));
}

/** One commit where the server lets us, everything where it does not or where the history must be searched. */
async function fetchTarget(
  access: GitAccess,
  directory: string,
  target: GitTarget,
  reference: GitReference,
): Promise<void> {
  const fetch = ["fetch", "--quiet", "--no-tags", "--no-write-commit-graph"];
  const everything = ["--", access.url, "+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"];
  if (target.kind === "ref") {
    await runGit(access, directory, [...fetch, "--depth", "1", "--", access.url, target.ref]);
    return;
  }
  if (target.kind === "commit") {
    try {
      await runGit(access, directory, [...fetch, "--depth", "1", "--", access.url, target.commit]);
      return;
    } catch (error) {
      if (!isGitRefusal(error)) throw error; // some servers give out only what a ref points to
    }
  }
  await runGit(access, directory, [...fetch, ...everything]).catch((error: unknown) => {
    throw isGitRefusal(error) ? fetchFailure(`${gitLocation(reference.url)}: ${error.message}`, error) : error;
  });
}

/** Refuses a tree beyond the limits before any of it is written. */
async function measureTree(access: GitAccess, directory: string, commit: string, meter: FetchMeter): Promise<void> {
  const listing = await runGit(access, directory, ["ls-tree", "-r", "-l", "--full-tree", commit]);
  for (const line of listing.split("\n").filter(Boolean)) {
    const size = /^\S+ \S+ \S+ +(\d+|-)\t/.exec(line)?.[1];
    meter.entry();
    meter.extracted(size === undefined || size === "-" ? 0 : Number(size));
  }
}

async function fileBytes(directory: string, suffix = ""): Promise<number> {
  const names = (await readdir(directory).catch(() => [])).filter((name) => name.endsWith(suffix));
  // git renames its temporary files as it goes
  const sizes = await Promise.all(
    names.map((name) =>
      lstat(join(directory, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Takes away links that lead out of the tree, or nowhere: what is written through them would not be the function's. */
async function removeEscapingLinks(root: string): Promise<void> {
  const home = await realpath(root);
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isSymbolicLink()) continue;
    const path = join(entry.parentPath, entry.name);
    const target = await realpath(path).catch(() => undefined);
    if (target === undefined || !(target === home || target.startsWith(home + sep))) await rm(path, { force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return await lstat(path).then(
    () => true,
    () => false,
  );
}

function unknownRevision(reference: GitReference) {
  return fetchFailure(`version "${reference.revision}" cannot be found in ${gitLocation(reference.url)}`);
}
