import type { SpanAttributes } from "../attributes.ts";
import type { JobFacts, RunnerFacts } from "../job-facts.ts";
import type { TelemetryPolicy } from "../policy.ts";

/** The attributes that every span of a job has, so that any span can be filtered without a join. Rule: telemetry.md §2. */
export function identityAttributes(job: JobFacts, runner: RunnerFacts): SpanAttributes {
  return {
    "ci.job.id": job.jobId,
    "ci.project.id": job.projectId,
    "ci.pipeline.id": job.pipelineId,
    "ci.pipeline.source": job.pipelineSource,
    "ci.runner.id": runner.id,
    "ci.runner.executor": runner.executor,
  };
}

/** What `job_execution` says beside that of the job from its start on, in the vocabularies that were asked for. Rule: telemetry.md §2. */
export function jobAttributes(job: JobFacts, runner: RunnerFacts, semconv: TelemetryPolicy["semconv"]): SpanAttributes {
  return {
    ...gitlabOnlyAttributes(job, runner),
    ...(semconv !== "otel" && gitlabAttributes(job, runner)),
    ...(semconv !== "gitlab" && otelAttributes(job, runner)),
  };
}

/** What OpenTelemetry has no name for. */
function gitlabOnlyAttributes(job: JobFacts, runner: RunnerFacts): SpanAttributes {
  return {
    "ci.job.stage": job.pipelineStage,
    "ci.job.allow_failure": job.allowFailure,
    "ci.job.timeout_s": job.timeoutS,
    "ci.job.queued_duration_s": job.queuedDurationS,
    "ci.job.attempt": job.jobAttempt,
    "ci.project.path": job.projectPath,
    "ci.pipeline.iid": job.pipelineIid,
    "ci.runner.system_id": runner.systemId,
    "ci.runner.tags": runner.tags,
  };
}

/** What both vocabularies can say, in GitLab's words. */
function gitlabAttributes(job: JobFacts, runner: RunnerFacts): SpanAttributes {
  return {
    "ci.job.name": job.jobName,
    "ci.job.url": job.jobUrl,
    "ci.ref": job.ref,
    "ci.sha": job.sha,
    "ci.runner.description": runner.description,
  };
}

/** The same in OpenTelemetry's. */
function otelAttributes(job: JobFacts, runner: RunnerFacts): SpanAttributes {
  return {
    "cicd.pipeline.name": job.pipelineName ?? job.projectPath,
    "cicd.pipeline.run.id": job.pipelineId,
    "cicd.pipeline.run.url.full": job.pipelineUrl,
    "cicd.pipeline.task.name": job.jobName,
    "cicd.pipeline.task.run.id": String(job.jobId),
    "cicd.pipeline.task.run.url.full": job.jobUrl,
    "cicd.worker.id": String(runner.id),
    "cicd.worker.name": runner.description,
    "vcs.repository.url.full": withoutCredentials(job.repositoryUrl),
    "vcs.ref.head.name": job.ref,
    "vcs.ref.head.revision": job.sha,
    "vcs.ref.type": job.refType,
    "vcs.change.id": job.changeId,
  };
}

/** The URL without user info, query and fragment; undefined when it is none (a local path, an scp-like address). */
function withoutCredentials(repositoryUrl: string | undefined): string | undefined {
  const url = repositoryUrl === undefined ? null : URL.parse(repositoryUrl);
  return url === null ? undefined : `${url.protocol}//${url.host}${url.pathname}`;
}
