import type { FastifyRequest } from "fastify";
import type { JobRecord, PipelineRecord, ProjectRecord } from "../lifecycle/records.ts";
import type { ApiContext } from "./api-context.ts";
import { notFound } from "./http-errors.ts";
import { parseId } from "./parse-body.ts";

/** A request below a project. */
export interface Ids {
  Params: { project: string; id: string; "*"?: string };
  Querystring: Record<string, string | string[] | undefined>;
}

/** A project by its id or its path, as GitLab's API takes both. @throws {HttpError} 404. */
export function findProject({ state }: ApiContext, wanted: string): ProjectRecord {
  for (const project of state.projects.values()) {
    if (String(project.id) === wanted || project.path === wanted) return project;
  }
  throw notFound("Project");
}

/** @throws {HttpError} 404. */
export function findPipeline(context: ApiContext, request: FastifyRequest<Ids>): PipelineRecord {
  const project = findProject(context, request.params.project);
  const pipeline = context.state.pipelines.get(parseId(request.params.id, "Pipeline"));
  if (pipeline?.projectId !== project.id) throw notFound("Pipeline");
  return pipeline;
}

/** @throws {HttpError} 404. */
export function findJob(context: ApiContext, request: FastifyRequest<Ids>): JobRecord {
  const project = findProject(context, request.params.project);
  const job = context.state.jobs.get(parseId(request.params.id, "Job"));
  if (job?.projectId !== project.id) throw notFound("Job");
  return job;
}

/** @throws {HttpError} 404. */
export function pipelineOf({ state }: ApiContext, job: JobRecord): PipelineRecord {
  const pipeline = state.pipelines.get(job.pipelineId);
  if (pipeline === undefined) throw notFound("Pipeline");
  return pipeline;
}

/** Only the jobs in the states that `scope[]` names, where it does. */
export function withScope(request: FastifyRequest<Ids>, jobs: readonly JobRecord[]): readonly JobRecord[] {
  const given = request.query["scope[]"] ?? request.query["scope"];
  if (given === undefined) return jobs;
  const scopes = Array.isArray(given) ? given : [given];
  return jobs.filter((job) => scopes.includes(job.state));
}
