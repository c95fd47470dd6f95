import type { StageSpan } from "@jobscope/job-telemetry";
import { ArchiveError } from "../../archive/archive-error.ts";
import { type CollectedFiles, collectFiles } from "../../archive/collect-files.ts";
import { deflateLevelOf } from "../../archive/compression-level.ts";
import { expandShellText } from "../../archive/expand-shell-text.ts";
import { artifactContent } from "../../artifacts/artifact-content.ts";
import { ArtifactError } from "../../artifacts/artifact-error.ts";
import { artifactFilename, isKnownFormat } from "../../artifacts/artifact-name.ts";
import { uploadArtifactFile } from "../../artifacts/upload-artifact-file.ts";
import type { ArtifactSet } from "../../coordinator-client/job.ts";
import type { PreparedRun } from "../job-run.ts";
import { isDue } from "./archive-cache.ts";
import { jobEnvironment } from "./process-environment.ts";
import { runStage, scriptFailure, traceStage } from "./run-stage.ts";
import { shortTokenOf } from "./short-token.ts";
import { stageHeadings } from "./stage-name.ts";
import { openStageOutput, type StageOutput } from "./stage-output.ts";

/** `upload_artifacts_on_*`: one span a set; the first that fails ends the stage. Rule: runner-protocol.md §3.8. */
export async function uploadArtifacts(run: PreparedRun, isSuccess: boolean, signal: AbortSignal): Promise<void> {
  const sets = run.options.job.artifacts.filter((set) => hasFiles(set) && isDue(set.when, isSuccess));
  if (sets.length === 0 || run.options.runner.url === "") return;
  const stageName = isSuccess ? "upload_artifacts_on_success" : "upload_artifacts_on_failure";
  await runStage(run, { name: stageName, heading: stageHeadings[stageName], signal }, async () => {
    using output = openStageOutput(run);
    for (const set of sets) {
      await traceStage(run, { name: "upload_artifacts", stageName }, (span) =>
        uploadSet(run, set, { output, span, signal }),
      );
    }
  });
}

function hasFiles(set: ArtifactSet): boolean {
  return set.paths.length > 0 || set.exclude.length > 0 || set.includesUntracked;
}

interface Surroundings {
  readonly output: StageOutput;
  readonly span: StageSpan;
  readonly signal: AbortSignal;
}

async function uploadSet(run: PreparedRun, set: ArtifactSet, around: Surroundings): Promise<void> {
  const { output, span, signal } = around;
  output.notice("Uploading artifacts...");
  const environment = await jobEnvironment(run);
  const expand = (text: string) => expandShellText(text, (name) => environment[name]);
  const filename = artifactFilename(expand(set.name), set.format);
  span.setAttributes({
    "ci.artifact.name": filename,
    "ci.artifact.type": set.type || "archive",
    "ci.artifact.format": set.format || "zip",
    "ci.resource.type": "artifact",
    "ci.resource.operation": "upload",
    "ci.resource.key": filename,
  });
  const files = await collectFiles({
    directory: run.directories.project,
    paths: set.paths.map(expand),
    exclude: set.exclude.map(expand),
    includesUntracked: set.includesUntracked,
    environment,
    report: output.helper,
    signal,
  });
  span.setAttributes({ "ci.artifact.files": files.size });
  if (files.size === 0) {
    output.helper.error("No files to upload");
    return;
  }
  try {
    await upload(run, set, { filename, files }, around);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof ArtifactError || error instanceof ArchiveError)) throw error;
    output.helper.fatal(error.message);
    throw scriptFailure(1);
  }
}

async function upload(
  run: PreparedRun,
  set: ArtifactSet,
  { filename, files }: { readonly filename: string; readonly files: CollectedFiles },
  { output, span, signal }: Surroundings,
): Promise<void> {
  if (!isKnownFormat(set.format)) throw new ArtifactError(`artifact format ${set.format} is not supported`);
  const { job, client } = run.options;
  const source = {
    directory: run.directories.project,
    files,
    deflateLevel: deflateLevelOf(run.variables.valueOf("ARTIFACT_COMPRESSION_LEVEL")),
  };
  let bytes = 0;
  async function* counted() {
    bytes = 0;
    for await (const chunk of await artifactContent(set.format, source)) {
      bytes += chunk.length;
      yield chunk;
    }
  }
  // What does not fit its format is known before anything is sent.
  if (set.format === "raw") await artifactContent(set.format, source);
  const { retries } = await uploadArtifactFile({
    client,
    upload: {
      job: { id: job.id, jobToken: job.jobToken },
      filename,
      open: counted,
      type: set.type,
      format: set.format,
      expireIn: set.expireIn,
    },
    shortToken: shortTokenOf(job.jobToken),
    report: output.helper,
    signal,
  });
  span.setAttributes({
    "ci.artifact.size_bytes": bytes,
    "ci.network.tx_bytes": bytes,
    "ci.operation.retry_count": retries,
  });
}
