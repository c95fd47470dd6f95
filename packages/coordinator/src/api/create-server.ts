import multipart from "@fastify/multipart";
import fastify, { type FastifyError, type FastifyInstance } from "fastify";
import type { ApiContext } from "./api-context.ts";
import { artifactRoutes } from "./artifact-routes.ts";
import { controlRoutes } from "./control-routes.ts";
import { gitRoutes } from "./git-routes.ts";
import { GuessLimiter } from "./guess-limiter.ts";
import { HttpError } from "./http-errors.ts";
import { identityRoutes } from "./identity-routes.ts";
import { jobRequestRoute } from "./job-request-route.ts";
import { jobRoutes } from "./job-routes.ts";
import { runnerRoutes } from "./runner-routes.ts";

/** Runners send at most 1 MiB of log at once (runner-protocol.md §1.9); others may do it differently. */
const maxBodyBytes = 16 << 20;

/** Puts the HTTP server together. It does not listen yet. */
export async function createServer(context: ApiContext): Promise<FastifyInstance> {
  const app = fastify({
    bodyLimit: maxBodyBytes,
    forceCloseConnections: true,
    // A held job request must not be cut off by the server itself.
    requestTimeout: 0,
    routerOptions: { maxParamLength: 512 },
  });
  await app.register(multipart);
  app.removeContentTypeParser("text/plain");
  app.addContentTypeParser("text/plain", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  const guesses = new GuessLimiter(context.now);
  app.addHook("onRequest", async (request) => {
    if (!guesses.isShutOut(request.ip)) return;
    throw new HttpError("429 Too Many Requests", { statusCode: 429, headers: { "Retry-After": "60" } });
  });
  // Nobody is told of a change that a crash could still undo.
  app.addHook("onSend", (_request, _reply, payload, done) => {
    const stored = context.state.stored();
    if (stored === undefined) done(null, payload);
    else stored.then(() => done(null, payload), done);
  });
  app.setErrorHandler((error: FastifyError | HttpError, request, reply) => {
    if (error instanceof HttpError && error.isGuess) guesses.count(request.ip);
    const statusCode = error.statusCode ?? 500;
    // What we refuse ourselves, such as a Git LFS lock, is no failure of ours unless it has a cause.
    const isOurs = !(error instanceof HttpError) || error.cause !== undefined;
    if (statusCode >= 500 && isOurs) context.log.error("a request failed", { err: error });
    if (error instanceof HttpError) return reply.code(statusCode).headers(error.headers).send(error.body);
    return reply.code(statusCode).send({ message: statusCode >= 500 ? "500 Internal Server Error" : error.message });
  });
  app.setNotFoundHandler((_request, reply) => reply.code(404).send({ message: "404 Not Found" }));
  runnerRoutes(app, context);
  jobRequestRoute(app, context);
  jobRoutes(app, context);
  artifactRoutes(app, context);
  identityRoutes(app, context);
  controlRoutes(app, context);
  gitRoutes(app, context);
  return app;
}
