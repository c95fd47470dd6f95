import type { FastifyRequest } from "fastify";
import { heldByRunner } from "../job-state.ts";
import type { ApiContext } from "./api-context.ts";
import { jobOfToken } from "./authenticate.ts";
import { isKnownToken } from "./authorize-control.ts";
import { HttpError, notFound } from "./http-errors.ts";

/** A repository as a caller may use it. */
export interface GitAccess {
  readonly folder: string;
  /** Folders of Git LFS objects; uploads go to the first one. */
  readonly lfsObjects: readonly string[];
  /** Call it after a push. `undefined`: the caller may only read. */
  readonly pushed: (() => void) | undefined;
}

/**
 * What a caller of git's HTTP may do, by Basic auth. A job (`gitlab-ci-token:<job token>`, runner-protocol.md §9.1 #16)
 * reads the repositories of its own project, its submodules among them, while it runs. Whoever has the access token reads
 * all of them, and pushes to those that are watched.
 *
 * @throws {HttpError} 401, 404.
 */
export function gitAccess(context: ApiContext, request: FastifyRequest, path: string): GitAccess {
  const credentials = /^Basic ([A-Za-z0-9+/=]+)$/.exec(request.headers.authorization ?? "")?.[1];
  const [user, ...rest] = Buffer.from(credentials ?? "", "base64")
    .toString("utf8")
    .split(":");
  const password = rest.join(":");
  if (credentials !== undefined && isKnownToken(context, password)) return ownersAccess(context, path);
  const job = user === "gitlab-ci-token" ? jobOfToken(context, password) : undefined;
  if (job !== undefined && heldByRunner.has(job.state)) return servedAccess(context, path, job.projectId);
  const headers = { "WWW-Authenticate": 'Basic realm="Jobscope"' };
  // git asks without credentials first: that is no guess.
  throw new HttpError("401 Unauthorized", { statusCode: 401, headers, isGuess: credentials !== undefined });
}

function ownersAccess(context: ApiContext, path: string): GitAccess {
  const watched = context.watched.get(path);
  if (watched === undefined) return servedAccess(context, path);
  return { folder: watched.folder, lfsObjects: [watched.lfsObjects], pushed: watched.look };
}

/** @param projectId looks only there. */
function servedAccess({ state }: ApiContext, path: string, projectId?: number): GitAccess {
  const projects = projectId === undefined ? [...state.projects.values()] : [state.projects.get(projectId)];
  const repositories = projects.flatMap((project) => project?.repositories ?? []);
  const found = repositories.find((repository) => repository.path === `${path}.git`);
  if (found === undefined) throw notFound("Repository");
  return { folder: found.folder, lfsObjects: found.lfsObjects ?? [], pushed: undefined };
}
