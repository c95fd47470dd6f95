import type { StageSpan } from "@jobscope/job-telemetry";
import type { CacheLocation } from "../../cache/local-cache.ts";
import type { CacheEntry } from "../../coordinator-client/job.ts";
import type { PreparedRun } from "../job-run.ts";
import { isCacheUsed, mainCache, policyOf } from "./cache-candidates.ts";
import { jobEnvironmentOf } from "./process-environment.ts";
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
    "ci.cache.backend": "local",
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
    await save(run, entry, location, around);
    output.notice("Created cache");
  } catch (error) {
    signal.throwIfAborted();
    output.helper.fatal(error instanceof Error ? error.message : String(error));
    output.warning("Failed to create cache");
    endFailed(span, error);
  }
}

async function save(
  run: PreparedRun,
  { paths, includesUntracked }: CacheEntry,
  location: CacheLocation,
  { output, span, signal }: Surroundings,
): Promise<void> {
  await run.workspace.perform(
    "save-cache",
    {
      ...jobEnvironmentOf(run),
      projectDirectory: run.directories.project,
      archiveDirectory: location.directory,
      key: location.key,
      paths,
      includesUntracked,
      compressionLevel: run.variables.valueOf("CACHE_COMPRESSION_LEVEL"),
    },
    {
      report: output.helper,
      onFacts: ({ bytes, files }) => span.setAttributes({ "ci.cache.size_bytes": bytes, "ci.cache.files": files }),
      signal,
    },
  );
}
