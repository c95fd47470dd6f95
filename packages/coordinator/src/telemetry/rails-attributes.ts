import type { Attributes } from "@opentelemetry/api";
import type { JobRecord, PipelineRecord, ProjectRecord } from "../lifecycle/records.ts";

/* Names and types as telemetry.md §2 has them for the runner's spans, so that one filter finds both. */

/** On every span of a pipeline. */
export function pipelineAttributes(pipeline: PipelineRecord, project: ProjectRecord | undefined): Attributes {
  return {
    "ci.pipeline.id": String(pipeline.id),
    "ci.pipeline.iid": String(pipeline.iid),
    "ci.pipeline.source": pipeline.facts.source,
    "ci.pipeline.status": pipeline.state,
    "ci.project.id": pipeline.projectId,
    "ci.project.path": project?.path ?? "",
    "ci.ref": pipeline.facts.ref,
    "ci.sha": pipeline.facts.sha,
    ...(pipeline.name === undefined ? {} : { "ci.pipeline.name": pipeline.name }),
  };
}

/** On every span of a job. */
export function jobAttributes(job: JobRecord, pipeline: PipelineRecord): Attributes {
  const { queuedAtMs, startedAtMs, exitCode, failureReason, plan } = job;
  const { serverUrl, projectPath } = pipeline.facts;
  return {
    "ci.job.id": job.id,
    "ci.job.name": plan.name,
    "ci.job.stage": plan.pipelineStage,
    "ci.job.status": job.state,
    "ci.job.attempt": job.attempt,
    "ci.job.allow_failure": job.allowFailure,
    "ci.job.url": `${serverUrl}/${projectPath}/-/jobs/${job.id}`,
    ...(failureReason === undefined ? {} : { "ci.job.failure_reason": failureReason, "error.type": failureReason }),
    ...(exitCode === undefined ? {} : { "ci.job.exit_code": exitCode }),
    ...(queuedAtMs === undefined || startedAtMs === undefined
      ? {}
      : { "ci.job.queued_duration_s": (startedAtMs - queuedAtMs) / 1000 }),
  };
}

/** On `job_running`: who ran it. */
export function runnerAttributes({ runner }: JobRecord): Attributes {
  if (runner === undefined) return {};
  return {
    "ci.runner.id": runner.id,
    "ci.runner.description": runner.description,
    "ci.runner.system_id": runner.systemId,
    "ci.runner.tags": [...runner.tags],
  };
}
