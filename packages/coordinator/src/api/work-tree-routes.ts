import type { FastifyInstance, FastifyRequest } from "fastify";
import { z } from "zod";
import { CoordinatorError } from "../coordinator-error.ts";
import type { PipelineRequest } from "../coordinator-options.ts";
import type { PipelineRecord } from "../lifecycle/records.ts";
import type { PipelinePlan } from "../plan-view.ts";
import type { ApiContext } from "./api-context.ts";
import { requireLocalToken } from "./authorize-control.ts";
import { HttpError, notFound } from "./http-errors.ts";
import { parseBody, parseId } from "./parse-body.ts";

const variable = z.object({
  key: z.string().regex(/^[A-Za-z_]\w*$/),
  value: z.string(),
  masked: z.boolean().default(false),
  file: z.boolean().default(false),
  raw: z.boolean().default(false),
});

/** A `PipelineRequest` without its signal. */
const requestBody = z.object({
  repository: z.string().startsWith("/"),
  ref: z.string().min(1).max(255).optional(),
  jobs: z.array(z.string()).optional(),
  source: z.string().max(64).optional(),
  configPath: z.string().max(1024).optional(),
  variables: z.array(variable).default([]),
});

const cancelBody = z.object({ force: z.boolean().default(false) });

/** Plans that nobody has started yet; the oldest goes when there are more. */
const maxPlans = 64;

interface Id {
  Params: { id: string };
}

/**
 * Pipelines of work trees on this machine, known or not: GitLab has no such thing, so these are routes of our own. They
 * are what `connectToCoordinator` calls.
 */
export function workTreeRoutes(app: FastifyInstance, context: ApiContext): void {
  const plans = new Map<number, PipelinePlan>();
  let lastPlan = 0;
  app.register(async (scope) => {
    scope.addHook("onRequest", async (request) => requireLocalToken(context, request));

    scope.post("/api/v4/jobscope/plans", async (request, reply) => {
      const plan = await told(() => context.pipelines.plan(requestOf(request)));
      lastPlan += 1;
      plans.set(lastPlan, plan);
      const [oldest] = plans.keys();
      if (plans.size > maxPlans && oldest !== undefined) plans.delete(oldest);
      return reply
        .code(201)
        .type("application/json")
        .send(asJson({ id: lastPlan, plan }));
    });

    scope.post<Id>("/api/v4/jobscope/plans/:id/start", async (request, reply) => {
      const id = parseId(request.params.id, "Plan");
      const plan = plans.get(id);
      if (plan === undefined) throw notFound("Plan");
      plans.delete(id);
      const pipeline = await told(() => context.pipelines.start(plan));
      return reply.code(201).type("application/json").send(snapshotOf(context, pipeline));
    });

    scope.post("/api/v4/jobscope/pipelines", async (request, reply) => {
      const pipeline = await told(async () =>
        context.pipelines.start(await context.pipelines.plan(requestOf(request))),
      );
      return reply.code(201).type("application/json").send(snapshotOf(context, pipeline));
    });

    scope.get<Id>("/api/v4/jobscope/pipelines/:id", (request, reply) =>
      reply.type("application/json").send(snapshotOf(context, findPipeline(context, request))),
    );

    scope.post<Id>("/api/v4/jobscope/pipelines/:id/cancel", (request, reply) => {
      const pipeline = findPipeline(context, request);
      context.lifecycle.cancelPipeline(pipeline, parseBody(cancelBody, request.body));
      return reply.type("application/json").send(snapshotOf(context, pipeline));
    });
  });
}

function requestOf(request: FastifyRequest): PipelineRequest {
  const { ref, jobs, source, configPath, ...rest } = parseBody(requestBody, request.body);
  return {
    ...rest,
    ...(ref === undefined ? {} : { ref }),
    ...(jobs === undefined ? {} : { jobs }),
    ...(source === undefined ? {} : { source }),
    ...(configPath === undefined ? {} : { configPath }),
  };
}

function findPipeline({ state }: ApiContext, request: FastifyRequest<Id>): PipelineRecord {
  const pipeline = state.pipelines.get(parseId(request.params.id, "Pipeline"));
  if (pipeline === undefined) throw notFound("Pipeline");
  return pipeline;
}

function snapshotOf({ view }: ApiContext, record: PipelineRecord): string {
  const pipeline = view(record);
  return asJson({ pipeline: pipeline.view(), jobs: pipeline.jobs(), isSettled: pipeline.isSettled() });
}

/** With `null` for what is `undefined`, so that every key is there. */
function asJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => (part === undefined ? null : part));
}

/** The caller gets our own errors whole, to throw them again. */
async function told<T>(act: () => T | Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof CoordinatorError)) throw error;
    const { message, code, problems } = error;
    throw new HttpError(message, { statusCode: 422, cause: error, body: { message, code, problems } });
  }
}
