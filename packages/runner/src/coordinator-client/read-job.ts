import type { z } from "zod";
import { splitAliases } from "../config/split-aliases.ts";
import { freezeDeeply } from "../freeze-deeply.ts";
import { type FailureReason, isFailureReason } from "./failure-reason.ts";
import type { ArtifactSet, CacheEntry, Job, JobImage, JobVariable } from "./job.ts";
import { readSecrets } from "./read-secrets.ts";
import { type JobPayload, jobIdentitySchema, jobPayloadSchema } from "./wire/job-payload.ts";

/** What a job request's answer tells beside its body. */
export interface JobAnswerContext {
  readonly correlationId: string;
  readonly serverCertificateChain: string | undefined;
}

export type ReadJobResult =
  | { readonly kind: "job"; readonly job: Job }
  /** `problems`: each names the field and what was expected; no values, since those may be secrets. */
  | {
      readonly kind: "unreadable";
      readonly jobId: number | undefined;
      readonly jobToken: string | undefined;
      readonly problems: readonly string[];
    };

/** Limits and defaults of runner-protocol.md §2.2. */
const defaultJobTimeoutMs = 7_200_000;

/** Parses and translates a job payload. Pure. Rule: runner-protocol.md §1.8. */
export function readJob(payload: unknown, context: JobAnswerContext): ReadJobResult {
  const parsed = jobPayloadSchema.safeParse(payload);
  if (parsed.success) return { kind: "job", job: freezeDeeply(translate(parsed.data, payload, context)) };
  const identity = jobIdentitySchema.safeParse(payload);
  return {
    kind: "unreadable",
    jobId: identity.data?.id,
    jobToken: identity.data?.token,
    problems: parsed.error.issues.map(describeIssue),
  };
}

function translate(wire: JobPayload, rawPayload: unknown, context: JobAnswerContext): Job {
  const info = wire.job_info;
  const git = wire.git_info;
  const timeoutS = wire.runner_info?.timeout ?? 0;
  return {
    id: wire.id,
    jobToken: wire.token,
    name: info?.name ?? "",
    pipelineStage: info?.stage ?? "",
    project: { id: info?.project_id ?? 0, name: info?.project_name ?? "", fullPath: info?.project_full_path ?? "" },
    pipelineId: info?.pipeline_id ?? 0,
    queuedDurationS: info?.time_in_queue_seconds ?? undefined,
    projectJobsRunning: info?.project_jobs_running_on_instance_runners_count ?? "",
    queue: { size: info?.queue_size ?? undefined, depth: info?.queue_depth ?? undefined },
    allowsGitFetch: wire.allow_git_fetch,
    git: {
      repositoryUrl: git?.repo_url ?? "",
      objectFormat: git?.repo_object_format === "sha256" ? "sha256" : "sha1",
      ref: git?.ref ?? "",
      refType: git?.ref_type ?? "",
      sha: git?.sha ?? "",
      beforeSha: git?.before_sha ?? "",
      refspecs: git?.refspecs ?? [],
      depth: git?.depth ?? 0,
      isProtected: git?.protected ?? undefined,
    },
    timeoutMs: timeoutS > 0 ? timeoutS * 1000 : defaultJobTimeoutMs,
    variables: wire.variables.map(translateVariable),
    scriptSteps: wire.steps,
    run: wire.run === "" ? undefined : (wire.run ?? undefined),
    image: wire.image == null || wire.image.name === "" ? undefined : translateImage(wire.image),
    services: wire.services.map(translateImage),
    artifacts: wire.artifacts.map(translateArtifacts),
    caches: wire.cache.map(translateCache),
    registryCredentials: wire.credentials
      .filter(({ type }) => type === "registry")
      .map(({ url, username, password }) => ({ url, username, password })),
    dependencies: wire.dependencies.flatMap(({ id, token, name, artifacts_file: file }) =>
      file == null || file.filename === ""
        ? []
        : [{ jobId: id, jobToken: token, name, artifactsFile: { filename: file.filename, sizeBytes: file.size } }],
    ),
    secrets: wire.secrets == null ? undefined : readSecrets(wire.secrets),
    hooks: wire.hooks,
    inputs: wire.inputs.map(({ key, value }) => ({
      key,
      type: value.type,
      content: value.content,
      isSensitive: value.sensitive,
    })),
    policy: translatePolicy(wire.policy_options),
    acceptsLogSections: wire.features?.trace_sections ?? false,
    tokenMaskPrefixes: wire.features?.token_mask_prefixes ?? [],
    acceptedFailureReasons: (wire.features?.failure_reasons ?? []).filter((reason): reason is FailureReason =>
      isFailureReason(reason),
    ),
    rawPayload,
    correlationId: context.correlationId,
    serverCertificateChain: context.serverCertificateChain,
  };
}

function translateVariable(wire: JobPayload["variables"][number]): JobVariable {
  const { key, value } = wire;
  return { key, value, isPublic: wire.public, isFile: wire.file, isMasked: wire.masked, isRaw: wire.raw };
}

function translateImage(wire: NonNullable<JobPayload["image"]>): JobImage {
  return {
    name: wire.name,
    aliases: splitAliases(wire.alias),
    command: wire.command,
    entrypoint: wire.entrypoint,
    variables: wire.variables.map(translateVariable),
    pullPolicies: wire.pull_policy,
    executorOptions: wire.executor_opts,
  };
}

function translateArtifacts(wire: JobPayload["artifacts"][number]): ArtifactSet {
  return {
    name: wire.name,
    includesUntracked: wire.untracked,
    paths: wire.paths,
    exclude: wire.exclude,
    when: wire.when || "on_success",
    type: wire.artifact_type,
    format: wire.artifact_format,
    expireIn: wire.expire_in,
  };
}

function translateCache(wire: JobPayload["cache"][number]): CacheEntry {
  return {
    key: wire.key,
    includesUntracked: wire.untracked,
    paths: wire.paths,
    when: wire.when || "on_success",
    policy: wire.policy === "" ? "pull-push" : wire.policy,
    fallbackKeys: wire.fallback_keys,
  };
}

function translatePolicy(wire: JobPayload["policy_options"]): Job["policy"] {
  if (wire == null) return undefined;
  return {
    isExecutionPolicyJob: wire.execution_policy_job,
    name: wire.policy_name,
    variablesOverrideAllowed: wire.policy_variables_override_allowed ?? undefined,
    variablesOverrideExceptions: wire.policy_variables_override_exceptions,
  };
}

function describeIssue(issue: z.core.$ZodIssue): string {
  return `${issue.path.length === 0 ? "payload" : issue.path.join(".")}: ${issue.message}`;
}
