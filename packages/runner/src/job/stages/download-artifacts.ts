import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { StageSpan } from "@jobscope/job-telemetry";
import { ArchiveError } from "../../archive/archive-error.ts";
import { extractZip } from "../../archive/extract-zip.ts";
import { ArtifactError } from "../../artifacts/artifact-error.ts";
import { detectArchiveFormat, downloadArtifactFile } from "../../artifacts/download-artifact-file.ts";
import type { JobDependency } from "../../coordinator-client/job.ts";
import { temporaryPrefix } from "../job-leftovers.ts";
import type { PreparedRun } from "../job-run.ts";
import { attemptStage } from "./attempts.ts";
import { runStage, scriptFailure, traceStage } from "./run-stage.ts";
import { shortTokenOf } from "./short-token.ts";
import { stageHeadings } from "./stage-name.ts";
import { openStageOutput, type StageOutput } from "./stage-output.ts";

/** `download_artifacts`: one span a dependency; the first that fails ends the stage. Rule: runner-protocol.md §3.8. */
export async function downloadArtifacts(run: PreparedRun, signal: AbortSignal): Promise<void> {
  const { dependencies } = run.options.job;
  if (dependencies.length === 0) return;
  const name = "download_artifacts";
  await attemptStage(run, { attempts: run.settings.artifactDownloadAttempts, signal }, (attempt) =>
    runStage(run, { name, heading: stageHeadings[name], signal }, async () => {
      using output = openStageOutput(run);
      for (const dependency of dependencies) {
        await traceStage(run, { name, attempt }, (span) => downloadOne(run, dependency, { output, span, signal }));
      }
    }),
  );
}

interface Surroundings {
  readonly output: StageOutput;
  readonly span: StageSpan;
  readonly signal: AbortSignal;
}

async function downloadOne(run: PreparedRun, dependency: JobDependency, around: Surroundings): Promise<void> {
  const { output, span, signal } = around;
  output.notice(`Downloading artifacts for ${dependency.name} (${dependency.jobId})...`);
  span.setAttributes({
    "ci.artifact.name": dependency.artifactsFile.filename,
    "ci.artifact.from_job": dependency.name,
    "ci.resource.type": "artifact",
    "ci.resource.operation": "download",
    "ci.resource.key": dependency.artifactsFile.filename,
  });
  const directory = await mkdtemp(path.join(tmpdir(), temporaryPrefix("artifacts")));
  try {
    await downloadInto(run, dependency, path.join(directory, "artifacts"), around);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof ArtifactError || error instanceof ArchiveError)) throw error;
    output.helper.fatal(error.message);
    throw scriptFailure(1);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function downloadInto(
  run: PreparedRun,
  dependency: JobDependency,
  file: string,
  { output, span, signal }: Surroundings,
): Promise<void> {
  const { bytes, retries } = await downloadArtifactFile({
    client: run.options.client,
    job: { id: dependency.jobId, jobToken: dependency.jobToken },
    shortToken: shortTokenOf(dependency.jobToken),
    file,
    allowsDirectDownload: run.flags.FF_USE_DIRECT_DOWNLOAD,
    report: output.helper,
    signal,
  });
  const format = await detectArchiveFormat(file);
  span.setAttributes({
    "ci.artifact.size_bytes": bytes,
    "ci.artifact.format": format,
    "ci.network.rx_bytes": bytes,
    "ci.operation.retry_count": retries,
  });
  if (format !== "zip") throw new ArchiveError(`no extractor for artifacts of format ${format}`);
  const { project: directory } = run.directories;
  const { files } = await extractZip({ file, directory, report: output.helper, signal });
  span.setAttributes({ "ci.artifact.files": files });
}
