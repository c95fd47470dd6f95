import type { FastifyInstance, FastifyReply } from "fastify";
import { z } from "zod";
import { CoordinatorError } from "../coordinator-error.ts";
import type { PipelineRequest } from "../coordinator-options.ts";
import type { JobRecord } from "../lifecycle/records.ts";
import type { PipelinePlan } from "../plan-view.ts";
import type { ApiContext } from "./api-context.ts";
import { sendArchive, sendArchived } from "./artifact-routes.ts";
import { authorizeControl, requireToken } from "./authorize-control.ts";
import { findJob, findProject, type Ids, pipelineOf, withScope } from "./find-record.ts";
import { HttpError } from "./http-errors.ts";
import { paginate } from "./paginate.ts";
import { parseBody } from "./parse-body.ts";
import { pipelineRoutes } from "./pipeline-routes.ts";
import { resourceGroupRoutes } from "./resource-group-routes.ts";
import { restJob, restPipeline, restProject } from "./wire/rest.ts";
import { workTreeRoutes } from "./work-tree-routes.ts";

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
  // Clients ask who they are before anything else.
  app.get("/api/v4/user", () => {
    const { user } = [...state.pipelines.values()].at(-1)?.facts ?? { user: { name: "local", login: "local" } };
    return { id: 1, username: user.login, name: user.name, state: "active", web_url: `${context.url()}/${user.login}` };
  });
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
  app.get<Ids>(`${base}/:id/artifacts/*`, (request, reply) =>
    sendArchived(context, findJob(context, request), request.params["*"] ?? "", reply),
  );
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
