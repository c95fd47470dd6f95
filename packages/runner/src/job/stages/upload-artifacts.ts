import type { StageSpan } from "@jobscope/job-telemetry";
import { type Provenance, rfc3339 } from "../../artifacts/provenance.ts";
import { printableUrl } from "../../coordinator-client/http/api-address.ts";
import type { ArtifactSet } from "../../coordinator-client/job.ts";
import type { PreparedRun } from "../job-run.ts";
import { goArchitecture } from "../job-variables.ts";
import { isDue } from "./archive-cache.ts";
import { moveArtifacts } from "./move-artifacts.ts";
import { jobEnvironmentOf } from "./process-environment.ts";
import { runStage, traceStage } from "./run-stage.ts";
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
  span.setAttributes({
    "ci.artifact.type": set.type || "archive",
    "ci.artifact.format": set.format || "zip",
    "ci.resource.type": "artifact",
    "ci.resource.operation": "upload",
  });
  const { job } = run.options;
  const request = {
    ...jobEnvironmentOf(run),
    projectDirectory: run.directories.project,
    job: { id: job.id, jobToken: job.jobToken },
    set,
    compressionLevel: run.variables.valueOf("ARTIFACT_COMPRESSION_LEVEL"),
    provenance: run.settings.addsArtifactProvenance ? provenanceOf(run) : undefined,
  };
  await moveArtifacts(run, "upload-artifacts", request, {
    output,
    signal,
    onFacts: ({ filename, bytes, files, retries }) =>
      span.setAttributes({
        "ci.artifact.name": filename,
        "ci.resource.key": filename,
        "ci.artifact.files": files,
        "ci.artifact.size_bytes": bytes,
        "ci.network.tx_bytes": bytes,
        "ci.operation.retry_count": retries,
      }),
  });
}

function provenanceOf({ options, variables, lifetime }: PreparedRun): Provenance {
  const { job, runner, executor, product } = options;
  return {
    runner: { product: product.name, version: product.version, id: runner.runnerId, name: runner.name },
    executor: executor.name,
    architecture: goArchitecture(),
    repositoryUrl: printableUrl(job.git.repositoryUrl),
    sha: job.git.sha,
    job: { id: job.id, name: job.name },
    variables: variables.entries.map(({ key }) => key),
    startedAt: rfc3339(lifetime.startedAt),
  };
}
