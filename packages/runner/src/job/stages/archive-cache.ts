import type { StageSpan } from "@jobscope/job-telemetry";
import type { CacheEntry } from "../../coordinator-client/job.ts";
import type { PreparedRun } from "../job-run.ts";
import { type CacheCandidate, isCacheUsed, mainCache, policyOf } from "./cache-candidates.ts";
import { jobEnvironmentOf } from "./process-environment.ts";
import { accessRemote, cacheFacts, endStoreFailure } from "./remote-archive.ts";
import { endFailed, runStage, traceStage } from "./run-stage.ts";
import { stageHeadings } from "./stage-name.ts";
import { openStageOutput, type StageOutput } from "./stage-output.ts";

/** `archive_cache*`: one span an entry. That a cache could not be made never fails the job. Rule: runner-protocol.md §3.7. */
export async function archiveCache(run: PreparedRun, isSuccess: boolean, signal: AbortSignal): Promise<void> {
  const entries = run.options.job.caches.filter((entry) => isCacheUsed(entry) && isDue(entry.when, isSuccess));
  if (entries.length === 0) return;
  const stageName = isSuccess ? "archive_cache" : "archive_cache_on_failure";
  await runStage(run, { name: stageName, heading: stageHeadings[stageName], signal }, async () => {
    using output = openStageOutput(run);
    for (const entry of entries) {
      await traceStage(run, { name: "archive_cache", stageName }, (span) =>
        archiveEntry(run, entry, { output, span, signal }),
      );
    }
  });
}

/** Whether something conditional is to be done for this outcome. Rule: runner-protocol.md §1.8.7. */
export function isDue(when: string, isSuccess: boolean): boolean {
  return when === "always" || when === (isSuccess ? "on_success" : "on_failure");
}

interface Surroundings {
  readonly output: StageOutput;
  readonly span: StageSpan;
  readonly signal: AbortSignal;
}

async function archiveEntry(run: PreparedRun, entry: CacheEntry, around: Surroundings): Promise<void> {
  const { output, span, signal } = around;
  const location = mainCache(run, entry, output, "archiving");
  if (location === undefined) {
    span.setAttributes({ "ci.cache.skipped": true });
    return;
  }
  const policy = policyOf(run, entry, location.key);
  span.setAttributes({
    "ci.cache.key": location.key,
    "ci.cache.policy": policy.word,
    "ci.cache.backend": run.options.remoteCache?.backend ?? "local",
    "ci.cache.skipped": !policy.pushes,
    "ci.resource.type": "cache",
    "ci.resource.operation": "archive",
    "ci.resource.key": location.key,
  });
  if (!policy.pushes) {
    output.notice(`Not uploading cache ${location.key} due to policy`);
    span.end({ status: "skipped" });
    return;
  }
  output.notice(`Creating cache ${location.key}...`);
  try {
    const trouble = await save(run, entry, location, around);
    if (trouble === undefined) output.notice("Created cache");
    else {
      output.helper.fatal(trouble);
      output.warning("Failed to create cache");
      endStoreFailure(span, trouble);
    }
  } catch (error) {
    signal.throwIfAborted();
    output.helper.fatal(error instanceof Error ? error.message : String(error));
    output.warning("Failed to create cache");
    endFailed(span, error);
  }
}

/** @returns why the archive could not be brought to its store, if so. */
async function save(
  run: PreparedRun,
  { paths, includesUntracked }: CacheEntry,
  candidate: CacheCandidate,
  { output, span, signal }: Surroundings,
): Promise<string | undefined> {
  const maxBytes = run.options.runner.cache.maxUploadedArchiveBytes;
  const wishes = { cacheKey: candidate.key, maxBytes };
  const access = await accessRemote(run, candidate, (cache, wish) => cache.signUpload({ ...wish, ...wishes }), signal);
  if (access.kind === "unusable") {
    output.warning(`Unable to generate cache upload environment: ${access.why}`);
  }
  const result = await run.workspace.perform(
    "save-cache",
    {
      ...jobEnvironmentOf(run),
      projectDirectory: run.directories.project,
      archiveDirectory: candidate.directory,
      key: candidate.key,
      paths,
      includesUntracked,
      compressionLevel: run.variables.valueOf("CACHE_COMPRESSION_LEVEL"),
      compressionFormat: run.variables.valueOf("CACHE_COMPRESSION_FORMAT"),
      remote: access.kind === "signed" ? { ...access.remote, maxBytes } : undefined,
    },
    {
      report: output.helper,
      onFacts: cacheFacts(span, access, "ci.network.tx_bytes"),
      signal,
    },
  );
  // Said above, and kept on the disk: for the log the cache is made, for the trace the store was missing.
  if (access.kind === "unusable") endStoreFailure(span, access.why);
  return result.kind === "unavailable" ? result.why : undefined;
}
