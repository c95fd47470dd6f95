import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { newRunner } from "../lifecycle/new-runner.ts";
import type { RunnerRecord } from "../lifecycle/records.ts";
import { createToken, hashToken, isSameSecret } from "../tokens.ts";
import type { ApiContext } from "./api-context.ts";
import { authenticateRunner, headerOf } from "./authenticate.ts";
import { requireToken } from "./authorize-control.ts";
import { notFound, wrongToken } from "./http-errors.ts";
import { parseBody, parseId } from "./parse-body.ts";

const tokenBody = z.object({ token: z.string().optional() });
const registrationBody = z.object({
  token: z.string().optional(),
  description: z.string().max(1024).default(""),
  tag_list: z.union([z.string(), z.array(z.string())]).default(""),
  run_untagged: z.boolean().default(true),
  paused: z.boolean().default(false),
  access_level: z.enum(["not_protected", "ref_protected"]).default("not_protected"),
  maximum_timeout: z.number().int().positive().nullish(),
});

/** Registration family (runner-protocol.md §1.6). */
export function runnerRoutes(app: FastifyInstance, context: ApiContext): void {
  app.post("/api/v4/runners", async (request, reply) => {
    const body = parseBody(registrationBody, request.body);
    const expected = context.settings.registrationToken;
    const given = body.token ?? headerOf(request, "runner-token") ?? "";
    if (expected === undefined || !isSameSecret(given, expected)) throw wrongToken("registration");
    const token = createToken("glrtr-");
    const tags = typeof body.tag_list === "string" ? body.tag_list.split(",") : body.tag_list;
    const runner = newRunner(context.state, context.now(), token, {
      description: body.description,
      tags: tags.map((tag) => tag.trim()).filter((tag) => tag !== ""),
      runUntagged: body.run_untagged,
      paused: body.paused,
      onlyProtectedRefs: body.access_level === "ref_protected",
      ...(body.maximum_timeout == null ? {} : { maximumTimeoutSeconds: body.maximum_timeout }),
    });
    return reply.code(201).send({ id: runner.id, token, token_expires_at: null });
  });

  app.post("/api/v4/runners/verify", async (request, reply) => {
    const { token } = parseBody(tokenBody, request.body);
    const runner = authenticateRunner(context, request, token);
    return reply
      .code(200)
      .send({ id: runner.id, token: token ?? headerOf(request, "runner-token"), token_expires_at: null });
  });

  app.delete("/api/v4/runners", async (request, reply) => {
    const runner = authenticateRunner(context, request, parseBody(tokenBody, request.body).token);
    context.state.removeRunner(runner.id);
    return reply.code(204).send();
  });

  app.delete("/api/v4/runners/managers", async (request, reply) => {
    authenticateRunner(context, request, parseBody(tokenBody, request.body).token);
    return reply.code(204).send();
  });

  app.post("/api/v4/runners/reset_authentication_token", async (request, reply) => {
    const runner = authenticateRunner(context, request, parseBody(tokenBody, request.body).token);
    return reply.code(201).send(changeToken(context, runner));
  });

  app.post<{ Params: { id: string } }>("/api/v4/runners/:id/reset_authentication_token", async (request, reply) => {
    requireToken(context, request);
    const runner = context.state.runners.get(parseId(request.params.id, "Runner"));
    if (runner === undefined) throw notFound("Runner");
    return reply.code(201).send(changeToken(context, runner));
  });
}

/** The former token is void at once. */
function changeToken({ state }: ApiContext, runner: RunnerRecord) {
  const token = createToken("glrt-");
  state.changeRunnerToken(runner, hashToken(token));
  return { token, token_expires_at: null };
}
