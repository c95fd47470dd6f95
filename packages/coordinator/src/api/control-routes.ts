import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { CoordinatorError } from "../coordinator-error.ts";
import type { PipelineRequest } from "../coordinator-options.ts";
import type { JobRecord, PipelineRecord } from "../lifecycle/records.ts";
import type { PipelinePlan } from "../plan-view.ts";
import type { ApiContext } from "./api-context.ts";
import { sendArchive } from "./artifact-routes.ts";
import { authorizeControl, requireToken } from "./authorize-control.ts";
import { findProject } from "./find-record.ts";
import { HttpError, notFound } from "./http-errors.ts";
import { paginate } from "./paginate.ts";
import { parseBody, parseId } from "./parse-body.ts";
import { resourceGroupRoutes } from "./resource-group-routes.ts";
import { restJob, restPipeline, restProject } from "./wire/rest.ts";
import { workTreeRoutes } from "./work-tree-routes.ts";

interface Ids {
  Params: { project: string; id: string };
  Querystring: Record<string, string | string[] | undefined>;
}

/**
 * The read and control API in the shape of GitLab's REST API. Open to this machine alone, or to whoever brings the access
 * token; web pages of other origins are refused. What creates pipelines always needs a token.
 */
export function controlRoutes(app: FastifyInstance, context: ApiContext): void {
  app.register(async (scope) => {
    scope.addHook("onRequest", async (request) => authorizeControl(context, request));
    projectRoutes(scope, context);
    pipelineRoutes(scope, context);
    projectJobRoutes(scope, context);
    pipelineCreationRoute(scope, context);
    resourceGroupRoutes(scope, context);
  });
  workTreeRoutes(app, context);
}

function projectRoutes(app: FastifyInstance, context: ApiContext): void {
  const { state } = context;
  app.get("/api/v4/version", () => ({ version: "18.0.0", revision: "jobscope", enterprise: false }));
  app.get<Ids>("/api/v4/projects", (request, reply) =>
    paginate(
      request,
      reply,
      [...state.projects.values()].map((project) => restProject(project, context.url())),
    ),
  );
  app.get<Ids>("/api/v4/projects/:project", (request) =>
    restProject(findProject(context, request.params.project), context.url()),
  );
}

function pipelineRoutes(app: FastifyInstance, context: ApiContext): void {
  const { state, lifecycle } = context;
  const base = "/api/v4/projects/:project/pipelines";
  app.get<Ids>(base, (request, reply) => {
    const project = findProject(context, request.params.project);
    const all = [...state.pipelines.values()].filter((pipeline) => pipeline.projectId === project.id).reverse();
    return paginate(request, reply, all.map(restPipeline));
  });
  app.get<Ids>(`${base}/:id`, (request) => restPipeline(findPipeline(context, request)));
  app.get<Ids>(`${base}/:id/jobs`, (request, reply) => {
    const pipeline = findPipeline(context, request);
    const isWanted = request.query["include_retried"] === "true" ? () => true : (job: JobRecord) => !job.isRetried;
    const jobs = state.jobsOf(pipeline.id).filter(isWanted);
    return paginate(
      request,
      reply,
      withScope(request, jobs).map((job) => restJob(job, pipeline)),
    );
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
}

const creationBody = z.object({
  ref: z.string().min(1).max(255),
  variables: z
    .array(
      z.object({
        key: z.string().regex(/^[A-Za-z_]\w*$/),
        value: z.string(),
        variable_type: z.enum(["env_var", "file"]).default("env_var"),
      }),
    )
    .default([]),
});

/** `POST projects/:id/pipeline` (GitLab's API of pipelines): the commit of a branch or tag, not the work tree. */
function pipelineCreationRoute(app: FastifyInstance, context: ApiContext): void {
  app.post<Ids>("/api/v4/projects/:project/pipeline", async (request, reply) => {
    requireToken(context, request);
    const project = findProject(context, request.params.project);
    const { ref, variables } = parseBody(creationBody, request.body);
    const plan = await planOrRefuse(context, {
      repository: project.topLevel,
      ref,
      source: "api",
      variables: variables.map(({ key, value, variable_type }) => ({ key, value, file: variable_type === "file" })),
    });
    return reply.code(201).send(restPipeline(context.pipelines.start(plan)));
  });
}

/** GitLab answers 400 with the reasons under `base`. */
async function planOrRefuse(context: ApiContext, request: PipelineRequest): Promise<PipelinePlan> {
  try {
    return await context.pipelines.plan(request);
  } catch (error) {
    if (!(error instanceof CoordinatorError)) throw error;
    throw new HttpError(error.message, { statusCode: 400, cause: error, body: { message: { base: [error.message] } } });
  }
}

function projectJobRoutes(app: FastifyInstance, context: ApiContext): void {
  const { state, lifecycle } = context;
  const base = "/api/v4/projects/:project/jobs";
  const render = (job: JobRecord) => restJob(job, pipelineOf(context, job));
  app.get<Ids>(base, (request, reply) => {
    const project = findProject(context, request.params.project);
    const jobs = [...state.jobs.values()].filter((job) => job.projectId === project.id).reverse();
    return paginate(request, reply, withScope(request, jobs).map(render));
  });
  app.get<Ids>(`${base}/:id`, (request) => render(findJob(context, request)));
  app.get<Ids>(`${base}/:id/trace`, async (request, reply) => {
    reply.type("text/plain; charset=utf-8").header("Accept-Ranges", "bytes");
    return await sendLog(context, findJob(context, request), request.headers.range, reply);
  });
  app.get<Ids>(`${base}/:id/artifacts`, (request, reply) => sendArchive(context, findJob(context, request), reply));
  app.post<Ids>(`${base}/:id/cancel`, (request, reply) => {
    const job = findJob(context, request);
    lifecycle.cancel(job, { force: new URL(request.url, "http://x").searchParams.get("force") === "true" });
    return reply.code(201).send(render(job));
  });
  app.post<Ids>(`${base}/:id/retry`, (request, reply) => {
    const job = findJob(context, request);
    const { job_inputs } = parseBody(inputsBody, request.body);
    return reply.code(201).send(render(allowed(() => lifecycle.retry(job, job_inputs))));
  });
  app.post<Ids>(`${base}/:id/play`, (request) => {
    const job = findJob(context, request);
    const { job_inputs } = parseBody(inputsBody, request.body);
    allowed(() => lifecycle.play(job, job_inputs));
    return render(job);
  });
}

/** Values for a job's `inputs:`. */
const inputsBody = z.object({ job_inputs: z.record(z.string(), z.unknown()).default({}) });

/** Whole, or from a byte on: a reader that follows a log asks for `bytes=<what it has>-` until there is no more (RFC 9110 §14). */
async function sendLog(
  { files }: ApiContext,
  { id }: JobRecord,
  range: string | undefined,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const from = /^bytes=(\d{1,15})-$/.exec(range ?? "")?.[1];
  if (from === undefined) return reply.send(Buffer.from(await files.readLog(id, 0)));
  const { bytes: length } = await files.logState(id);
  const first = Number(from);
  if (first >= length) return reply.code(416).header("Content-Range", `bytes */${length}`).send();
  const rest = Buffer.from(await files.readLog(id, first)).subarray(0, length - first);
  return reply
    .code(206)
    .header("Content-Range", `bytes ${first}-${length - 1}/${length}`)
    .send(rest);
}

function allowed<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof CoordinatorError)) throw error;
    throw new HttpError(`403 Forbidden - ${error.message}`, { statusCode: 403, cause: error });
  }
}

function withScope(request: FastifyRequest<Ids>, jobs: readonly JobRecord[]): readonly JobRecord[] {
  const given = request.query["scope[]"] ?? request.query["scope"];
  if (given === undefined) return jobs;
  const scopes = Array.isArray(given) ? given : [given];
  return jobs.filter((job) => scopes.includes(job.state));
}

function findPipeline(context: ApiContext, request: FastifyRequest<Ids>): PipelineRecord {
  const project = findProject(context, request.params.project);
  const pipeline = context.state.pipelines.get(parseId(request.params.id, "Pipeline"));
  if (pipeline?.projectId !== project.id) throw notFound("Pipeline");
  return pipeline;
}

function findJob(context: ApiContext, request: FastifyRequest<Ids>): JobRecord {
  const project = findProject(context, request.params.project);
  const job = context.state.jobs.get(parseId(request.params.id, "Job"));
  if (job?.projectId !== project.id) throw notFound("Job");
  return job;
}

function pipelineOf({ state }: ApiContext, job: JobRecord): PipelineRecord {
  const pipeline = state.pipelines.get(job.pipelineId);
  if (pipeline === undefined) throw notFound("Pipeline");
  return pipeline;
}
