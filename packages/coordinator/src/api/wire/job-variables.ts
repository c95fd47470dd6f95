import type { JobRecord, PipelineRecord } from "../../lifecycle/records.ts";
import { resolveVariables } from "../../pipeline/variables/expand-variables.ts";
import { factsAsVariables } from "../../pipeline/variables/predefined-variables.ts";
import { environmentSlug, slug } from "../../pipeline/variables/slug.ts";
import { type Variable, variable } from "../../pipeline/variables/variable.ts";

/** What the variables of one hand-out are made of. */
export interface JobVariablesInput {
  readonly pipeline: PipelineRecord;
  readonly job: JobRecord;
  readonly jobToken: string;
  /** With credentials. */
  readonly repositoryUrl: string;
  /** `from` and `to` of git URLs, credentials in place. */
  readonly rewrites: readonly { readonly from: string; readonly to: string }[];
  /** From the `dotenv` reports of the jobs whose artifacts this one gets. */
  readonly dotenv: readonly { readonly key: string; readonly value: string }[];
  readonly timeoutSeconds: number;
  /** For a child pipeline: the one that triggered it. */
  readonly upstreamPipelineId?: number | undefined;
}

/**
 * All variables of a job, each name once, references resolved (runner-protocol.md §1.8.4, §9.1 #8).
 * Strength, weakest first: predefined, file, dotenv, project, pipeline (GitLab's "CI/CD variable precedence").
 */
export function jobVariables(input: JobVariablesInput): Variable[] {
  const { pipeline, job } = input;
  return resolveVariables([
    ...factsAsVariables(pipeline.facts),
    ...pipelineVariables(input),
    ...predefinedOfJob(input),
    ...rewriteVariables(input),
    ...job.plan.yamlVariables,
    ...environmentVariables(input),
    ...input.dotenv.map(({ key, value }) => variable(key, value, { raw: true })),
    ...pipeline.projectVariables,
    ...pipeline.pipelineVariables,
  ]);
}

function pipelineVariables({ pipeline, upstreamPipelineId }: JobVariablesInput): Variable[] {
  const { serverUrl, projectPath } = pipeline.facts;
  return [
    variable("CI_PIPELINE_ID", String(pipeline.id)),
    variable("CI_PIPELINE_IID", String(pipeline.iid)),
    variable("CI_PIPELINE_URL", `${serverUrl}/${projectPath}/-/pipelines/${pipeline.id}`),
    variable("CI_PIPELINE_CREATED_AT", isoTime(pipeline.createdAtMs)),
    ...(upstreamPipelineId === undefined
      ? []
      : [
          variable("CI_UPSTREAM_PIPELINE_ID", String(upstreamPipelineId)),
          variable("CI_UPSTREAM_PROJECT_ID", String(pipeline.projectId)),
          variable("CI_UPSTREAM_JOB_ID", String(pipeline.parentJobId)),
        ]),
    ...(pipeline.name === undefined ? [] : [variable("CI_PIPELINE_NAME", pipeline.name, { raw: true })]),
  ];
}

function predefinedOfJob({ pipeline, job, jobToken, repositoryUrl, timeoutSeconds }: JobVariablesInput): Variable[] {
  const { plan, runner } = job;
  const { serverUrl, projectPath } = pipeline.facts;
  const secret = { public: false, masked: true, raw: true };
  return [
    variable("CI_JOB_ID", String(job.id)),
    variable("CI_JOB_URL", `${serverUrl}/${projectPath}/-/jobs/${job.id}`),
    variable("CI_JOB_TOKEN", jobToken, secret),
    variable("CI_REPOSITORY_URL", repositoryUrl, { public: false, raw: true }),
    variable("CI_JOB_NAME", plan.name, { raw: true }),
    variable("CI_JOB_NAME_SLUG", slug(plan.name)),
    variable("CI_JOB_GROUP_NAME", plan.baseName, { raw: true }),
    variable("CI_JOB_STAGE", plan.pipelineStage, { raw: true }),
    variable("CI_JOB_STARTED_AT", isoTime(job.startedAtMs ?? job.createdAtMs)),
    variable("CI_JOB_TIMEOUT", String(timeoutSeconds)),
    ...(plan.when === "manual" ? [variable("CI_JOB_MANUAL", "true")] : []),
    variable("CI_NODE_TOTAL", String(plan.node?.total ?? 1)),
    ...(plan.node === undefined ? [] : [variable("CI_NODE_INDEX", String(plan.node.index))]),
    variable("CI_RUNNER_ID", String(runner?.id ?? "")),
    variable("CI_RUNNER_DESCRIPTION", runner?.description ?? "", { raw: true }),
    variable("CI_RUNNER_TAGS", JSON.stringify(runner?.tags ?? []), { raw: true }),
  ];
}

/** Sends git to our copies of submodules, whatever runner asks for them (git 2.31 and later reads these). */
function rewriteVariables({ rewrites }: JobVariablesInput): Variable[] {
  if (rewrites.length === 0) return [];
  const hidden = { public: false, raw: true };
  return [
    variable("GIT_CONFIG_COUNT", String(rewrites.length), hidden),
    ...rewrites.flatMap(({ from, to }, index) => [
      variable(`GIT_CONFIG_KEY_${index}`, `url.${to}.insteadOf`, hidden),
      variable(`GIT_CONFIG_VALUE_${index}`, from, hidden),
    ]),
  ];
}

function environmentVariables({ job }: JobVariablesInput): Variable[] {
  const { environment } = job.plan;
  if (environment === undefined) return [];
  return [
    variable("CI_ENVIRONMENT_NAME", environment.name),
    variable("CI_ENVIRONMENT_SLUG", environmentSlug(environment.name)),
    variable("CI_ENVIRONMENT_ACTION", environment.action),
    variable("CI_ENVIRONMENT_TIER", environment.tier ?? tierOf(environment.name)),
    ...(environment.url === undefined ? [] : [variable("CI_ENVIRONMENT_URL", environment.url)]),
  ];
}

/** Rule: GitLab's Environment#guess_tier. */
function tierOf(name: string): string {
  if (/(dev|review|trunk)/i.test(name)) return "development";
  if (/(test|tst|int|ac(ce|)pt|qa|qc|control|quality)/i.test(name)) return "testing";
  if (/(st(a|)g|mod(e|)l|pre|demo|non)/i.test(name)) return "staging";
  return /(pr(o|)d|live)/i.test(name) ? "production" : "other";
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
}
