import { CoordinatorError } from "../coordinator-error.ts";
import type { ArtifactRecord, JobRecord, PipelineRecord } from "../lifecycle/records.ts";
import type { PlannedJob } from "../pipeline/plan/planned-job.ts";
import type { UrlOrPath } from "../repository/capture-repository.ts";
import type { ApiContext } from "./api-context.ts";
import { buildJobPayload, type Dependency } from "./wire/job-payload.ts";

/** Gathers what a job's payload needs and makes it. The job must have been handed out: its token depends on that. */
export async function handOutPayload(context: ApiContext, job: JobRecord): Promise<Record<string, unknown>> {
  const { state, jobTokens, settings, queue } = context;
  const stored = state.pipelines.get(job.pipelineId);
  const project = state.projects.get(job.projectId);
  if (stored === undefined || project === undefined) {
    throw new CoordinatorError(`job ${job.id} has no pipeline`, { code: "not-found" });
  }
  // The address may be another one than when the pipeline was made: a restart can bind another port.
  const isSame = stored.facts.serverUrl === context.url();
  const pipeline = isSame ? stored : { ...stored, facts: { ...stored.facts, serverUrl: context.url() } };
  const jobToken = jobTokens.create(job.id, job.handouts);
  const urlOf = credentialUrls(pipeline.facts.serverUrl, jobToken);
  const sources = artifactSources(context, job);
  const runner = job.runner === undefined ? undefined : state.runners.get(job.runner.id);
  const timeoutSeconds = Math.min(job.plan.timeoutSeconds, runner?.maximumTimeoutSeconds ?? Number.POSITIVE_INFINITY);
  return buildJobPayload({
    project,
    pipeline,
    job,
    jobToken,
    repositoryUrl: urlOf({ servedPath: `${project.path}.git` }),
    rewrites: rewritesOf(pipeline, urlOf),
    dependencies: sources.flatMap((source) => dependencyOn(context, source)),
    dotenv: sources.flatMap(({ dotenv }) => dotenv),
    timeoutSeconds,
    queueLength: queue.length,
    upstreamPipelineId: pipeline.parentJobId && state.jobs.get(pipeline.parentJobId)?.pipelineId,
    telemetry: settings.telemetry,
    idTokens: await context.idTokens.create(job, pipeline, timeoutSeconds),
  });
}

function credentialUrls(serverUrl: string, jobToken: string): (target: UrlOrPath) => string {
  return (target) => {
    if ("url" in target) return target.url;
    const url = new URL(`${serverUrl}/${target.servedPath}`);
    url.username = "gitlab-ci-token";
    url.password = jobToken;
    return url.href;
  };
}

/** Where git looks is written without credentials, where it is sent to with them. */
function rewritesOf(pipeline: PipelineRecord, urlOf: (target: UrlOrPath) => string) {
  const { serverUrl } = pipeline.facts;
  return pipeline.rewrites.map(({ from, to }) => ({
    from: "url" in from ? from.url : `${serverUrl}/${from.servedPath}`,
    to: urlOf(to),
  }));
}

/** Newest attempts of the jobs whose artifacts and dotenv variables a job gets. */
function artifactSources({ state }: ApiContext, job: JobRecord): JobRecord[] {
  const { artifactsFrom, stageIndex } = job.plan;
  if ((artifactsFrom === "earlier-stages" && stageIndex === 0) || artifactsFrom.length === 0) return [];
  const isWanted =
    artifactsFrom === "earlier-stages"
      ? (plan: PlannedJob) => plan.stageIndex < stageIndex
      : (plan: PlannedJob) => artifactsFrom.includes(plan.name);
  return state.jobsOf(job.pipelineId).filter(({ isRetried, plan }) => !isRetried && isWanted(plan));
}

function dependencyOn({ jobTokens, now }: ApiContext, job: JobRecord): Dependency[] {
  const archive = job.artifacts.find((artifact) => artifact.type === "archive" && !isExpired(artifact, now()));
  return archive === undefined ? [] : [{ job, token: jobTokens.create(job.id, job.handouts), archive }];
}

/** Whether an artifact is past its `expire_in`. */
export function isExpired({ expiresAtMs }: ArtifactRecord, nowMs: number): boolean {
  return expiresAtMs !== undefined && expiresAtMs <= nowMs;
}
