import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { heldByRunner } from "../job-state.ts";
import type { JobRecord } from "../lifecycle/records.ts";
import { serveGit } from "../repository/http-backend.ts";
import type { ApiContext } from "./api-context.ts";
import { jobOfToken } from "./authenticate.ts";
import { HttpError, notFound } from "./http-errors.ts";

/* What a fetch asks for: refs, then packs. Pushes are not served. */
const gitPath = /^\/(.+?)(?:\.git)?\/(info\/refs|git-upload-pack)$/;

/**
 * Repositories over git's smart HTTP, with Basic auth `gitlab-ci-token:<job token>` (runner-protocol.md §9.1 #16).
 * A job reads the repositories of its own project, its submodules among them, while it runs.
 */
export function gitRoutes(app: FastifyInstance, context: ApiContext): void {
  app.addContentTypeParser("application/x-git-upload-pack-request", (_request, payload, done) => done(null, payload));
  app.route({ method: ["GET", "POST"], url: "/*", handler: (request, reply) => answerGit(context, request, reply) });
}

async function answerGit(context: ApiContext, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const url = new URL(request.url, "http://localhost");
  const match = gitPath.exec(decodePath(url.pathname));
  const service = match?.[2];
  if (match === null || service === undefined) throw notFound("Page");
  const asksForUploadPack = service === "git-upload-pack" || url.searchParams.get("service") === "git-upload-pack";
  if (!asksForUploadPack) throw new HttpError("403 Forbidden - repositories are read-only", { statusCode: 403 });
  const folder = repositoryFolder(context, jobOfRequest(context, request), match[1] ?? "");
  reply.hijack();
  await serveGit({
    environment: context.settings.environment,
    folder,
    service,
    query: url.searchParams.toString(),
    request: request.raw,
    response: reply.raw,
    log: context.log,
  });
  return reply;
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch (cause) {
    throw new HttpError("400 Bad request - path", { statusCode: 400, cause });
  }
}

function jobOfRequest(context: ApiContext, request: FastifyRequest): JobRecord {
  const credentials = /^Basic ([A-Za-z0-9+/=]+)$/.exec(request.headers.authorization ?? "")?.[1];
  const [user, ...password] = Buffer.from(credentials ?? "", "base64")
    .toString("utf8")
    .split(":");
  const job = user === "gitlab-ci-token" ? jobOfToken(context, password.join(":")) : undefined;
  if (job !== undefined && heldByRunner.has(job.state)) return job;
  const headers = { "WWW-Authenticate": 'Basic realm="Jobscope"' };
  // git asks without credentials first: that is no guess.
  throw new HttpError("401 Unauthorized", { statusCode: 401, headers, isGuess: credentials !== undefined });
}

function repositoryFolder({ state }: ApiContext, job: JobRecord, path: string): string {
  const repositories = state.projects.get(job.projectId)?.repositories ?? [];
  const found = repositories.find((repository) => repository.path === `${path}.git`);
  if (found === undefined) throw notFound("Repository");
  return found.folder;
}
