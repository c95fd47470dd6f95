import type { StageSpan } from "@jobscope/job-telemetry";
import type { CacheLocation } from "../../cache/local-cache.ts";
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
    const isRestored = await restore(run, candidate, around);
    signal.throwIfAborted();
    if (isRestored) {
      output.notice("Successfully extracted cache");
      span.setAttributes({
        "ci.cache.hit": true,
        "ci.resource.hit": true,
        "ci.cache.fallback_key": index === 0 ? undefined : candidate.key,
      });
      return;
    }
    output.warning("Failed to extract cache");
    if (run.flags.FF_CLEAN_UP_FAILED_CACHE_EXTRACT) await removePaths(run, entry, around);
  }
  span.setAttributes({ "ci.cache.hit": false, "ci.resource.hit": false });
}

/** @returns false, and why in the log, when there is no such archive or it is damaged. */
async function restore(run: PreparedRun, candidate: CacheLocation, { output, span, signal }: Surroundings) {
  try {
    const { kind } = await run.workspace.perform(
      "restore-cache",
      {
        projectDirectory: run.directories.project,
        archiveDirectory: candidate.directory,
        key: candidate.key,
      },
      {
        report: output.helper,
        onFacts: ({ bytes, files }) => span.setAttributes({ "ci.cache.size_bytes": bytes, "ci.cache.files": files }),
        signal,
      },
    );
    return kind === "restored";
  } catch (error) {
    signal.throwIfAborted();
    output.helper.fatal(error instanceof Error ? error.message : String(error));
    return false;
  }
}

/** What a damaged archive may have left half. Only what lies inside the project, and never the project itself. */
async function removePaths(run: PreparedRun, entry: CacheEntry, { output, signal }: Surroundings): Promise<void> {
  const stdout = run.log.openStream("stdout");
  for (const wish of entry.paths) await stdout.write(Buffer.from(`${ansi.reset}Removing ${wish}\n`));
  stdout.end();
  const request = { directory: run.directories.project, paths: entry.paths.map(run.variables.expand) };
  await run.workspace.perform("remove-paths", request, { report: output.helper, signal });
}
