import type { StageSpan } from "@jobscope/job-telemetry";
import type { JobDependency } from "../../coordinator-client/job.ts";
import type { PreparedRun } from "../job-run.ts";
import { attemptStage } from "./attempts.ts";
import { moveArtifacts } from "./move-artifacts.ts";
import { runStage, traceStage } from "./run-stage.ts";
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
  const request = {
    projectDirectory: run.directories.project,
    job: { id: dependency.jobId, jobToken: dependency.jobToken },
    allowsDirectDownload: run.flags.FF_USE_DIRECT_DOWNLOAD,
  };
  await moveArtifacts(run, "download-artifacts", request, {
    output,
    signal,
    onFacts: ({ bytes, format, files, retries }) =>
      span.setAttributes({
        "ci.artifact.size_bytes": bytes,
        "ci.artifact.format": format,
        "ci.artifact.files": files,
        "ci.network.rx_bytes": bytes,
        "ci.operation.retry_count": retries,
      }),
  });
}
