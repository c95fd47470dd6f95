import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { serveGit } from "../repository/http-backend.ts";
import type { ApiContext } from "./api-context.ts";
import { type GitAccess, gitAccess } from "./git-caller.ts";
import { HttpError, notFound } from "./http-errors.ts";
import { answerLfs } from "./lfs-routes.ts";

/** Of a repository: what a fetch or push asks for (refs, then packs), and Git LFS. */
const gitPath = /^\/(.+?)(?:\.git)?\/(info\/refs|git-upload-pack|git-receive-pack|info\/lfs\/.+)$/;

/** Repositories over git's smart HTTP, with Git LFS; see `gitAccess` for who may what. */
export function gitRoutes(app: FastifyInstance, context: ApiContext): void {
  const streamed = ["application/x-git-upload-pack-request", "application/x-git-receive-pack-request"];
  app.addContentTypeParser([...streamed, "application/octet-stream"], (_request, payload, done) => done(null, payload));
  app.addContentTypeParser(
    "application/vnd.git-lfs+json",
    { parseAs: "string" },
    app.getDefaultJsonParser("error", "error"),
  );
  app.route({
    method: ["GET", "POST", "PUT"],
    url: "/*",
    handler: (request, reply) => answer(context, request, reply),
  });
}

async function answer(context: ApiContext, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const url = new URL(request.url, "http://localhost");
  const [, path, asked] = gitPath.exec(decodePath(url.pathname)) ?? [];
  if (path === undefined || asked === undefined) throw notFound("Page");
  if (asked.startsWith("info/lfs/")) return await answerLfs(context, request, reply, { path, asked });
  const service = asked === "info/refs" ? url.searchParams.get("service") : asked;
  if (service !== "git-upload-pack" && service !== "git-receive-pack") {
    throw new HttpError("403 Forbidden - git's dumb HTTP is not served", { statusCode: 403 });
  }
  const access = gitAccess(context, request, path);
  if (service === "git-receive-pack") refuseUnlessWritable(access);
  reply.hijack();
  await serveGit({
    environment: context.settings.environment,
    folder: access.folder,
    service: asked,
    query: url.searchParams.toString(),
    request: request.raw,
    response: reply.raw,
    log: context.log,
  });
  if (asked === "git-receive-pack") access.pushed?.();
  return reply;
}

/** @throws {HttpError} 403. */
function refuseUnlessWritable({ pushed }: GitAccess): void {
  if (pushed !== undefined) return;
  const why = "push to a repository that is watched, with the access token";
  throw new HttpError(`403 Forbidden - read-only: ${why}`, { statusCode: 403 });
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch (cause) {
    throw new HttpError("400 Bad request - path", { statusCode: 400, cause });
  }
}
