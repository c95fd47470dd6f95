import { rm } from "node:fs/promises";
import path from "node:path";
import type { StageSpan } from "@jobscope/job-telemetry";
import { toPatternInside } from "../../archive/pattern.ts";
import { type CacheLocation, restoreFromDisk } from "../../cache/local-cache.ts";
import type { CacheEntry } from "../../coordinator-client/job.ts";
import { ansi } from "../../shell/ansi.ts";
import type { PreparedRun } from "../job-run.ts";
import { attemptStage } from "./attempts.ts";
import { fallbackCaches, isCacheUsed, mainCache, policyOf } from "./cache-candidates.ts";
import { runStage, traceStage } from "./run-stage.ts";
import { stageHeadings } from "./stage-name.ts";
import { openStageOutput, type StageOutput } from "./stage-output.ts";

/** `restore_cache`: one span an entry. That nothing could be restored never fails the job. Rule: runner-protocol.md §3.7. */
export async function restoreCache(run: PreparedRun, signal: AbortSignal): Promise<void> {
  const entries = run.options.job.caches.filter(isCacheUsed);
  if (entries.length === 0) return;
  const name = "restore_cache";
  await attemptStage(run, { attempts: run.settings.restoreCacheAttempts, signal }, (attempt) =>
    runStage(run, { name, heading: stageHeadings[name], signal }, async () => {
      using output = openStageOutput(run);
      for (const entry of entries) {
        await traceStage(run, { name, attempt }, (span) => restoreEntry(run, entry, { output, span, signal }));
      }
    }),
  );
}

interface Surroundings {
  readonly output: StageOutput;
  readonly span: StageSpan;
  readonly signal: AbortSignal;
}

async function restoreEntry(run: PreparedRun, entry: CacheEntry, around: Surroundings): Promise<void> {
  const { output, span } = around;
  const main = mainCache(run, entry, output, "extraction");
  if (main === undefined) {
    span.setAttributes({ "ci.cache.skipped": true });
    return;
  }
  const policy = policyOf(run, entry, main.key);
  span.setAttributes({
    "ci.cache.key": main.key,
    "ci.cache.policy": policy.word,
    "ci.cache.backend": "local",
    "ci.cache.skipped": !policy.pulls,
    "ci.resource.type": "cache",
    "ci.resource.operation": "restore",
    "ci.resource.key": main.key,
  });
  if (!policy.pulls) {
    output.notice(`Not downloading cache ${main.key} due to policy`);
    span.end({ status: "skipped" });
    return;
  }
  await restoreFirst(run, entry, [main, ...fallbackCaches(run, entry, output)], around);
}

/** Tries the candidates in order until one is there and whole. */
async function restoreFirst(
  run: PreparedRun,
  entry: CacheEntry,
  candidates: readonly CacheLocation[],
  around: Surroundings,
): Promise<void> {
  const { output, span, signal } = around;
  for (const [index, candidate] of candidates.entries()) {
    output.notice(`Checking cache for ${candidate.key}...`);
    const restored = await restore(run, candidate, around);
    signal.throwIfAborted();
    if (restored !== undefined) {
      output.notice("Successfully extracted cache");
      span.setAttributes({
        "ci.cache.hit": true,
        "ci.resource.hit": true,
        "ci.cache.fallback_key": index === 0 ? undefined : candidate.key,
        "ci.cache.size_bytes": restored.bytes,
        "ci.cache.files": restored.files,
      });
      return;
    }
    output.warning("Failed to extract cache");
    if (run.flags.FF_CLEAN_UP_FAILED_CACHE_EXTRACT) await removePaths(run, entry);
  }
  span.setAttributes({ "ci.cache.hit": false, "ci.resource.hit": false });
}

/** @returns `undefined`, and why in the log, when there is no such archive or it is damaged. */
async function restore(run: PreparedRun, candidate: CacheLocation, { output, signal }: Surroundings) {
  output.helper.info(
    "No URL provided, cache will not be downloaded from shared cache server. " +
      "Instead a local version of cache will be extracted.",
  );
  try {
    const restored = await restoreFromDisk(candidate, run.directories.project, output.helper, signal);
    if (restored.kind === "restored") return restored;
    output.helper.warning("Cache file does not exist");
  } catch (error) {
    signal.throwIfAborted();
    output.helper.fatal(error instanceof Error ? error.message : String(error));
  }
  return undefined;
}

/** What a damaged archive may have left half. Only what lies inside the project, and never the project itself. */
async function removePaths(run: PreparedRun, entry: CacheEntry): Promise<void> {
  const { project } = run.directories;
  const stdout = run.log.openStream("stdout");
  for (const wish of entry.paths) {
    await stdout.write(Buffer.from(`${ansi.reset}Removing ${wish}\n`));
    const relative = toPatternInside(project, run.variables.expand(wish));
    if (relative === undefined || relative === ".") continue;
    await rm(path.join(project, relative), { recursive: true, force: true });
  }
  stdout.end();
}
