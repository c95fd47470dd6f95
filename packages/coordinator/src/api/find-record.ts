import type { ProjectRecord } from "../lifecycle/records.ts";
import type { ApiContext } from "./api-context.ts";
import { notFound } from "./http-errors.ts";

/** A project by its id or its path, as GitLab's API takes both. @throws {HttpError} 404. */
export function findProject({ state }: ApiContext, wanted: string): ProjectRecord {
  for (const project of state.projects.values()) {
    if (String(project.id) === wanted || project.path === wanted) return project;
  }
  throw notFound("Project");
}
