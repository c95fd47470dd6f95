import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { finalStates } from "../job-state.ts";
import type { JobRecord, PipelineRecord } from "../lifecycle/records.ts";
import type { ApiContext } from "./api-context.ts";
import { requireToken } from "./authorize-control.ts";
import { findPipeline, findProject, type Ids, withScope } from "./find-record.ts";
import { notFound } from "./http-errors.ts";
import { paginate } from "./paginate.ts";
import { restCommit, restJob, restPipeline } from "./wire/rest.ts";

/** GitLab's API of pipelines, and of the commits that they are of. */
export function pipelineRoutes(app: FastifyInstance, context: ApiContext): void {
  const { state, lifecycle } = context;
  const base = "/api/v4/projects/:project/pipelines";
  app.get<Ids>(base, (request, reply) => paginate(request, reply, listPipelines(context, request).map(restPipeline)));
  app.get<Ids>(`${base}/latest`, (request) => {
    const ref = request.query["ref"] ?? findProject(context, request.params.project).defaultBranch;
    const newest = rootPipelinesOf(context, request).find(({ facts }) => facts.ref === ref);
    if (newest === undefined) throw notFound("Pipeline");
    return restPipeline(newest);
  });
  app.get<Ids>(`${base}/:id`, (request) => restPipeline(findPipeline(context, request)));
  app.get<Ids>(`${base}/:id/jobs`, (request, reply) =>
    sendJobs(context, request, reply, ({ plan }) => plan.childPipeline === undefined),
  );
  app.get<Ids>(`${base}/:id/bridges`, (request, reply) =>
    sendJobs(context, request, reply, ({ plan }) => plan.childPipeline !== undefined),
  );
  app.get<Ids>(`${base}/:id/variables`, (request, reply) => {
    // Their values are for whoever started the pipeline, not for every user of this machine.
    requireToken(context, request);
    const { pipelineVariables } = findPipeline(context, request);
    const shown = pipelineVariables.map(({ key, value, file, raw, masked }) => ({
      ...{ key, value: masked ? "[MASKED]" : value, variable_type: file ? "file" : "env_var", raw },
    }));
    return paginate(request, reply, shown);
  });
  app.post<Ids>(`${base}/:id/cancel`, (request) => {
    const pipeline = findPipeline(context, request);
    lifecycle.cancelPipeline(pipeline);
    return restPipeline(pipeline);
  });
  app.post<Ids>(`${base}/:id/retry`, (request, reply) => {
    const pipeline = findPipeline(context, request);
    for (const job of state.currentJobsOf(pipeline.id)) {
      if (job.state === "failed" || job.state === "canceled") lifecycle.retry(job);
    }
    return reply.code(201).send(restPipeline(pipeline));
  });
  // `glab ci` finds the pipeline of what is checked out by its commit.
  app.get<Ids>("/api/v4/projects/:project/repository/commits/:id", (request) => {
    const wanted = request.params.id;
    const newest = rootPipelinesOf(context, request).find(({ facts }) => facts.sha === wanted || facts.ref === wanted);
    if (newest === undefined) throw notFound("Commit");
    return restCommit(newest);
  });
}

/** Newest first. */
function pipelinesOf(context: ApiContext, request: FastifyRequest<Ids>): PipelineRecord[] {
  const project = findProject(context, request.params.project);
  return [...context.state.pipelines.values()].filter(({ projectId }) => projectId === project.id).reverse();
}

function rootPipelinesOf(context: ApiContext, request: FastifyRequest<Ids>): PipelineRecord[] {
  return pipelinesOf(context, request).filter(({ parentJobId }) => parentJobId === undefined);
}

/** What the filters of a listing ask of a pipeline. */
const filters: Readonly<Record<string, (pipeline: PipelineRecord) => string>> = {
  status: ({ state }) => state,
  ref: ({ facts }) => facts.ref,
  sha: ({ facts }) => facts.sha,
  source: ({ facts }) => facts.source,
  name: ({ name }) => name ?? "",
  username: ({ facts }) => facts.user.login,
};

const scopes: Readonly<Record<string, (pipeline: PipelineRecord) => boolean>> = {
  running: ({ state }) => state === "running",
  pending: ({ state }) => state === "pending",
  finished: ({ state }) => finalStates.has(state),
  branches: ({ facts }) => !facts.isTag,
  tags: ({ facts }) => facts.isTag,
};

function listPipelines(context: ApiContext, request: FastifyRequest<Ids>): PipelineRecord[] {
  const { query } = request;
  const isInScope = scopes[String(query["scope"])] ?? (() => true);
  // A child pipeline is listed only where its source is asked for, as in GitLab.
  const listed = query["source"] === undefined ? rootPipelinesOf : pipelinesOf;
  const wanted = Object.entries(filters).flatMap(([name, of]) => {
    const value = query[name];
    return value === undefined ? [] : [(pipeline: PipelineRecord) => of(pipeline) === value];
  });
  const found = listed(context, request).filter(
    (pipeline) => isInScope(pipeline) && wanted.every((holds) => holds(pipeline)),
  );
  return query["sort"] === "asc" ? found.reverse() : found;
}

function sendJobs(
  context: ApiContext,
  request: FastifyRequest<Ids>,
  reply: FastifyReply,
  isOfKind: (job: JobRecord) => boolean,
) {
  const { state } = context;
  const pipeline = findPipeline(context, request);
  const areRetriedWanted = request.query["include_retried"] === "true";
  const jobs = state.jobsOf(pipeline.id).filter((job) => isOfKind(job) && (areRetriedWanted || !job.isRetried));
  const rendered = withScope(request, jobs).map((job) => {
    const child = job.childPipelineId === undefined ? undefined : state.pipelines.get(job.childPipelineId);
    return { ...restJob(job, pipeline), ...(child === undefined ? {} : { downstream_pipeline: restPipeline(child) }) };
  });
  return paginate(request, reply, rendered);
}
