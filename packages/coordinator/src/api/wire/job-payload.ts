import type { CoordinatorTelemetry } from "../../coordinator-options.ts";
import type { JobRecord, PipelineRecord, ProjectRecord } from "../../lifecycle/records.ts";
import type { ImageDefinition } from "../../pipeline/config/job-definition.ts";
import { lookupIn } from "../../pipeline/variables/expand-variables.ts";
import { isProtected } from "../../pipeline/variables/predefined-variables.ts";
import { type Variable, variable } from "../../pipeline/variables/variable.ts";
import { payloadTelemetry } from "../../telemetry/payload-telemetry.ts";
import { wireArtifacts } from "./artifacts.ts";
import { wireCache } from "./cache.ts";
import { jobVariables } from "./job-variables.ts";
import { wireSecrets } from "./secrets.ts";

/** A job whose archive this one gets. */
export interface Dependency {
  readonly job: JobRecord;
  readonly token: string;
  readonly archive: { readonly filename: string; readonly sizeBytes: number };
}

/** What a payload is made of. */
export interface PayloadInput {
  readonly project: ProjectRecord;
  readonly pipeline: PipelineRecord;
  readonly job: JobRecord;
  readonly jobToken: string;
  readonly repositoryUrl: string;
  readonly rewrites: readonly { readonly from: string; readonly to: string }[];
  readonly dependencies: readonly Dependency[];
  readonly dotenv: readonly { readonly key: string; readonly value: string }[];
  /** Job's and runner's limits combined. */
  readonly timeoutSeconds: number;
  readonly queueLength: number;
  readonly upstreamPipelineId: number | undefined;
  readonly telemetry: CoordinatorTelemetry;
  /** Tokens made by the coordinator for `id_tokens:`, by variable name. */
  readonly idTokens: ReadonlyMap<string, string>;
}

/** Every reason that GitLab knows (runner-protocol.md §2.7), so that runners need not replace any. */
const failureReasons = [
  "unknown_failure",
  "script_failure",
  "api_failure",
  "stuck_or_timeout_failure",
  "runner_system_failure",
  "runner_unsupported",
  "runner_configuration_error",
  "runner_external_dependency_failure",
  "runner_interrupted",
  "image_pull_failure",
  "job_canceled",
  "job_execution_timeout",
];
const tokenMaskPrefixes = [
  "glpat-",
  "gldt-",
  "glrt-",
  "glrtr-",
  "glcbt-",
  "glptt-",
  "glft-",
  "glsoat-",
  "glagent-",
  "gloas-",
];

/** GitLab's default for new projects. */
const defaultDepth = 20;

/** The answer to a job request (runner-protocol.md §1.8). Pure. */
export function buildJobPayload(input: PayloadInput): Record<string, unknown> {
  const { job, pipeline, project, timeoutSeconds } = input;
  const { plan } = job;
  const variables = [
    ...jobVariables(input),
    ...[...input.idTokens].map(([key, value]) => variable(key, value, { public: false, masked: true, raw: true })),
  ];
  const telemetry = payloadTelemetry(input.telemetry, pipeline, job);
  return {
    id: job.id,
    token: input.jobToken,
    allow_git_fetch: true,
    job_info: jobInfo(input),
    git_info: gitInfo(input, variables),
    runner_info: { timeout: timeoutSeconds, runner_session_url: null },
    variables,
    steps: steps(input),
    // `run` only for real run jobs: null or "" would make the payload undecodable (runner-protocol.md §9.1 #6)
    ...(plan.run === undefined ? {} : { run: JSON.stringify(plan.run) }),
    image: plan.image === undefined ? null : wireImage(plan.image),
    services: plan.services.map(wireImage),
    ...(Object.keys(plan.inputs).length === 0 ? {} : { inputs: wireInputs(job) }),
    ...(Object.keys(plan.secrets).length === 0
      ? {}
      : { secrets: wireSecrets(plan.secrets, [...input.idTokens.keys()], lookupIn(variables)) }),
    artifacts: wireArtifacts(plan.artifacts),
    cache: wireCache(plan.cache, isProtected(pipeline.facts)),
    credentials: [],
    hooks: plan.preGetSources.length === 0 ? [] : [{ name: "pre_get_sources_script", script: plan.preGetSources }],
    dependencies: input.dependencies.map(({ job: source, token, archive }) => ({
      id: source.id,
      token,
      name: source.plan.name,
      artifacts_file: { filename: archive.filename, size: archive.sizeBytes },
    })),
    features: {
      trace_sections: true,
      token_mask_prefixes: tokenMaskPrefixes,
      failure_reasons: failureReasons,
      ...telemetry.features,
    },
    project: { id: project.id, path: project.path },
    ...telemetry.topLevel,
  };
}

function jobInfo({ job, pipeline, project, queueLength }: PayloadInput) {
  const name = project.path.split("/").at(-1) ?? project.path;
  return {
    id: job.id,
    name: job.plan.name,
    stage: job.plan.pipelineStage,
    pipeline_id: pipeline.id,
    project_id: project.id,
    project_name: name,
    project_full_path: project.path,
    namespace_id: 1,
    root_namespace_id: 1,
    user_id: 1,
    time_in_queue_seconds: Math.max(0, (job.startedAtMs ?? 0) - (job.queuedAtMs ?? 0)) / 1000,
    project_jobs_running_on_instance_runners_count: "0",
    queue_size: queueLength,
    queue_depth: 0,
  };
}

function gitInfo({ pipeline, repositoryUrl }: PayloadInput, variables: readonly Variable[]) {
  const { facts } = pipeline;
  const wantedDepth = Number(variables.findLast(({ key }) => key === "GIT_DEPTH")?.value ?? defaultDepth);
  const depth = Number.isInteger(wantedDepth) && wantedDepth >= 0 ? wantedDepth : defaultDepth;
  const refspec = facts.isTag
    ? `+refs/tags/${facts.ref}:refs/tags/${facts.ref}`
    : `+refs/heads/${facts.ref}:refs/remotes/origin/${facts.ref}`;
  const everything = depth === 0 ? ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"] : [refspec];
  return {
    repo_url: repositoryUrl,
    repo_object_format: facts.sha.length === 64 ? "sha256" : "sha1",
    ref: facts.ref,
    sha: facts.sha,
    before_sha: facts.beforeSha,
    ref_type: facts.isTag ? "tag" : "branch",
    refspecs: [`+refs/pipelines/${pipeline.id}:refs/pipelines/${pipeline.id}`, ...everything],
    depth,
    protected: isProtected(facts),
  };
}

function steps({ job, timeoutSeconds }: PayloadInput) {
  const { plan } = job;
  const common = { timeout: timeoutSeconds };
  const main = {
    name: "script",
    script: plan.run === undefined ? plan.script : [],
    when: "on_success",
    allow_failure: false,
  };
  const after = { name: "after_script", script: plan.afterScript, when: "always", allow_failure: true };
  return [{ ...main, ...common }, ...(plan.afterScript.length === 0 ? [] : [{ ...after, ...common }])];
}

/** runner-protocol.md §1.8.8 */
function wireInputs({ plan, givenInputs }: JobRecord) {
  return Object.entries(plan.inputs).map(([key, definition]) => ({
    key,
    value: { type: definition.type, content: givenInputs[key] ?? definition.default, sensitive: false },
  }));
}

function wireImage(image: ImageDefinition) {
  const executorOptions = {
    ...(image.docker === undefined ? {} : { docker: image.docker }),
    ...(image.kubernetes === undefined ? {} : { kubernetes: image.kubernetes }),
  };
  return {
    name: image.name,
    ...(image.alias === undefined ? {} : { alias: image.alias }),
    ...(image.entrypoint === undefined ? {} : { entrypoint: image.entrypoint }),
    ...(image.command === undefined ? {} : { command: image.command }),
    ...(image.pullPolicy === undefined ? {} : { pull_policy: image.pullPolicy }),
    ...(image.ports === undefined ? {} : { ports: image.ports }),
    ...(image.variables === undefined
      ? {}
      : { variables: image.variables.map(({ key, value, raw }) => variable(key, value, { raw })) }),
    ...(Object.keys(executorOptions).length === 0 ? {} : { executor_opts: executorOptions }),
  };
}
