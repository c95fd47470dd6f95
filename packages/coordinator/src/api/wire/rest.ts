import type { ArtifactRecord, JobRecord, PipelineRecord, ProjectRecord } from "../../lifecycle/records.ts";

/* Entities of GitLab's REST API, with the fields that we know. */

export function restProject(project: ProjectRecord, serverUrl: string) {
  const name = project.path.split("/").at(-1) ?? project.path;
  return {
    id: project.id,
    name,
    path: name,
    path_with_namespace: project.path,
    name_with_namespace: project.path.replaceAll("/", " / "),
    default_branch: project.defaultBranch,
    web_url: `${serverUrl}/${project.path}`,
    http_url_to_repo: `${serverUrl}/${project.path}.git`,
  };
}

export function restPipeline(pipeline: PipelineRecord) {
  const { facts, startedAtMs, finishedAtMs } = pipeline;
  return {
    id: pipeline.id,
    iid: pipeline.iid,
    project_id: pipeline.projectId,
    name: pipeline.name ?? null,
    status: pipeline.state,
    source: facts.source,
    ref: facts.ref,
    sha: facts.sha,
    before_sha: facts.beforeSha,
    tag: facts.isTag,
    yaml_errors: null,
    web_url: `${facts.serverUrl}/${facts.projectPath}/-/pipelines/${pipeline.id}`,
    created_at: iso(pipeline.createdAtMs),
    updated_at: iso(finishedAtMs ?? startedAtMs ?? pipeline.createdAtMs),
    started_at: iso(startedAtMs),
    finished_at: iso(finishedAtMs),
    duration: seconds(startedAtMs, finishedAtMs),
  };
}

export function restCommit(pipeline: PipelineRecord) {
  const { sha, commit, serverUrl, projectPath } = pipeline.facts;
  const [, name = commit.author, email = ""] = /^(.*) <(.*)>$/.exec(commit.author) ?? [];
  return {
    id: sha,
    short_id: sha.slice(0, 8),
    title: commit.message.split("\n")[0] ?? "",
    message: commit.message,
    author_name: name,
    author_email: email,
    authored_date: commit.timestamp,
    committed_date: commit.timestamp,
    created_at: commit.timestamp,
    web_url: `${serverUrl}/${projectPath}/-/commit/${sha}`,
    status: pipeline.state,
    last_pipeline: restPipeline(pipeline),
  };
}

export function restJob(job: JobRecord, pipeline: PipelineRecord) {
  const { facts } = pipeline;
  const archive = job.artifacts.find(({ type }) => type === "archive");
  return {
    id: job.id,
    name: job.plan.name,
    stage: job.plan.pipelineStage,
    status: job.state,
    ref: facts.ref,
    tag: facts.isTag,
    coverage: job.coverage ?? null,
    allow_failure: job.allowFailure,
    created_at: iso(job.createdAtMs),
    queued_at: iso(job.queuedAtMs),
    started_at: iso(job.startedAtMs),
    finished_at: iso(job.finishedAtMs),
    erased_at: null,
    duration: seconds(job.startedAtMs, job.finishedAtMs),
    queued_duration: seconds(job.queuedAtMs, job.startedAtMs),
    failure_reason: job.failureReason,
    exit_code: job.exitCode,
    retried: job.isRetried,
    tag_list: job.plan.tags,
    web_url: `${facts.serverUrl}/${facts.projectPath}/-/jobs/${job.id}`,
    project: { ci_job_token_scope_enabled: false },
    commit: { id: facts.sha, short_id: facts.sha.slice(0, 8), title: facts.commit.message.split("\n")[0] ?? "" },
    pipeline: {
      id: pipeline.id,
      iid: pipeline.iid,
      project_id: pipeline.projectId,
      sha: facts.sha,
      ref: facts.ref,
      status: pipeline.state,
      source: facts.source,
      web_url: `${facts.serverUrl}/${facts.projectPath}/-/pipelines/${pipeline.id}`,
    },
    // GitLab's REST API has neither: whoever plays a job needs to know them.
    manual_confirmation: job.plan.manualConfirmation ?? null,
    job_inputs: job.plan.inputs,
    user: { id: 1, username: facts.user.login, name: facts.user.name },
    runner: job.runner === undefined ? null : { id: job.runner.id, description: job.runner.description, active: true },
    artifacts: job.artifacts.map(restArtifact),
    artifacts_file: archive === undefined ? undefined : { filename: archive.filename, size: archive.sizeBytes },
    artifacts_expire_at: iso(archive?.expiresAtMs),
  };
}

function restArtifact({ type, sizeBytes, filename, format }: ArtifactRecord) {
  return { file_type: type, size: sizeBytes, filename, file_format: format };
}

function iso(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}

function seconds(fromMs: number | undefined, toMs: number | undefined): number | null {
  return fromMs === undefined || toMs === undefined ? null : (toMs - fromMs) / 1000;
}
