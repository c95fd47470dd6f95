import type { StageSpan } from "@jobscope/job-telemetry";
import type { CacheEntry } from "../../coordinator-client/job.ts";
import { ansi } from "../../shell/ansi.ts";
import type { PreparedRun } from "../job-run.ts";
import { attemptStage } from "./attempts.ts";
import { type CacheCandidate, fallbackCaches, isCacheUsed, mainCache, policyOf } from "./cache-candidates.ts";
import { accessRemote, cacheFacts, endStoreFailure } from "./remote-archive.ts";
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
    "ci.cache.backend": run.options.remoteCache?.backend ?? "local",
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

/** Tries the candidates in order until one is there and whole. A store's trouble is the span's, also beside a hit. */
async function restoreFirst(
  run: PreparedRun,
  entry: CacheEntry,
  candidates: readonly CacheCandidate[],
  around: Surroundings,
): Promise<void> {
  const { output, span, signal } = around;
  let trouble: string | undefined;
  for (const [index, candidate] of candidates.entries()) {
    output.notice(`Checking cache for ${candidate.key}...`);
    const outcome = await restore(run, candidate, around);
    signal.throwIfAborted();
    trouble ??= outcome.trouble;
    if (outcome.isRestored) {
      output.notice("Successfully extracted cache");
      span.setAttributes({
        "ci.cache.hit": true,
        "ci.resource.hit": true,
        "ci.cache.fallback_key": index === 0 ? undefined : candidate.key,
      });
      break;
    }
    output.warning("Failed to extract cache");
    if (run.flags.FF_CLEAN_UP_FAILED_CACHE_EXTRACT) await removePaths(run, entry, around);
    span.setAttributes({ "ci.cache.hit": false, "ci.resource.hit": false });
  }
  if (trouble !== undefined) endStoreFailure(span, trouble);
}

interface CandidateOutcome {
  /** False, and why in the log, when there is no such archive, it is damaged, or its store cannot be had. */
  readonly isRestored: boolean;
  /** What was wrong with the store, if anything. */
  readonly trouble?: string | undefined;
}

async function restore(run: PreparedRun, candidate: CacheCandidate, around: Surroundings): Promise<CandidateOutcome> {
  const { output, span, signal } = around;
  const access = await accessRemote(run, candidate, (cache, wish) => cache.signDownload(wish), signal);
  const trouble = access.kind === "unusable" ? access.why : undefined;
  if (trouble !== undefined) output.warning(`Failed to obtain environment for cache ${candidate.key}: ${trouble}`);
  try {
    const result = await run.workspace.perform(
      "restore-cache",
      {
        projectDirectory: run.directories.project,
        archiveDirectory: candidate.directory,
        key: candidate.key,
        remote: access.kind === "signed" ? access.remote : undefined,
      },
      {
        report: output.helper,
        onFacts: cacheFacts(span, access, "ci.network.rx_bytes"),
        signal,
      },
    );
    if (result.kind === "unavailable") return { isRestored: false, trouble: result.why };
    return { isRestored: result.kind === "restored", trouble };
  } catch (error) {
    signal.throwIfAborted();
    output.helper.fatal(error instanceof Error ? error.message : String(error));
    return { isRestored: false, trouble };
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
