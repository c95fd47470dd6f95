import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { JobRecord, ProjectRecord } from "../lifecycle/records.ts";
import { inTurn } from "../lifecycle/resource-group.ts";
import type { ApiContext } from "./api-context.ts";
import { findProject } from "./find-record.ts";
import { notFound } from "./http-errors.ts";
import { paginate } from "./paginate.ts";
import { parseBody } from "./parse-body.ts";
import { restJob } from "./wire/rest.ts";

const modeBody = z.object({
  process_mode: z.enum(["unordered", "oldest_first", "newest_first", "newest_ready_first"]).optional(),
});

interface Key {
  Params: { project: string; key: string };
}

/** GitLab's API of resource groups: those that jobs have named, and their process modes. */
export function resourceGroupRoutes(app: FastifyInstance, context: ApiContext): void {
  const { state, lifecycle } = context;
  const base = "/api/v4/projects/:project/resource_groups";
  app.get<Key>(base, (request, reply) => {
    const project = findProject(context, request.params.project);
    return paginate(
      request,
      reply,
      keysOf(context, project).map((key) => restGroup(project, key)),
    );
  });
  app.get<Key>(`${base}/:key`, (request) => {
    const project = findProject(context, request.params.project);
    return restGroup(project, findKey(context, project, request.params.key));
  });
  app.put<Key>(`${base}/:key`, (request) => {
    const project = findProject(context, request.params.project);
    const key = findKey(context, project, request.params.key);
    const { process_mode } = parseBody(modeBody, request.body);
    if (process_mode !== undefined) {
      project.resourceGroupModes = { ...project.resourceGroupModes, [key]: process_mode };
      state.saveProject(project);
      lifecycle.assignResource(project.id, key);
    }
    return restGroup(project, key);
  });
  app.get<Key>(`${base}/:key/upcoming_jobs`, (request, reply) => {
    const project = findProject(context, request.params.project);
    const key = findKey(context, project, request.params.key);
    const ofGroup = jobsOf(context, project).filter(({ plan }) => plan.resourceGroup === key);
    const coming = inTurn(ofGroup, project.resourceGroupModes[key]);
    return paginate(
      request,
      reply,
      coming.flatMap((job) => render(context, job)),
    );
  });
}

function restGroup(project: ProjectRecord, key: string) {
  return { key, process_mode: project.resourceGroupModes[key] ?? "unordered" };
}

function jobsOf({ state }: ApiContext, project: ProjectRecord): JobRecord[] {
  return [...state.jobs.values()].filter((job) => job.projectId === project.id && !job.isRetried);
}

function keysOf(context: ApiContext, project: ProjectRecord): string[] {
  const named = jobsOf(context, project).flatMap(({ plan }) => plan.resourceGroup ?? []);
  return [...new Set([...Object.keys(project.resourceGroupModes), ...named])];
}

function findKey(context: ApiContext, project: ProjectRecord, key: string): string {
  if (!keysOf(context, project).includes(key)) throw notFound("Resource Group");
  return key;
}

function render({ state }: ApiContext, job: JobRecord) {
  const pipeline = state.pipelines.get(job.pipelineId);
  return pipeline === undefined ? [] : [restJob(job, pipeline)];
}
