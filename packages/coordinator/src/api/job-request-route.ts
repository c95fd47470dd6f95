import type { FastifyInstance, FastifyReply } from "fastify";
import { z } from "zod";
import type { JobSeeker } from "../lifecycle/job-queue.ts";
import type { JobRecord } from "../lifecycle/records.ts";
import type { ApiContext } from "./api-context.ts";
import { authenticateRunner } from "./authenticate.ts";
import { handOutPayload } from "./hand-out-payload.ts";
import { HttpError } from "./http-errors.ts";
import { parseBody } from "./parse-body.ts";

const requestBody = z.object({
  token: z.string().optional(),
  system_id: z.string().max(64).default(""),
  last_update: z.string().optional(),
  info: z.object({ features: z.record(z.string(), z.unknown()).nullish() }).nullish(),
});

/**
 * `POST jobs/request` (runner-protocol.md §1.7): a job, or after the long poll 204. A request whose cursor is not the newest
 * is answered at once.
 */
export function jobRequestRoute(app: FastifyInstance, context: ApiContext): void {
  app.post("/api/v4/jobs/request", async (request, reply) => {
    const body = parseBody(requestBody, request.body);
    const runner = authenticateRunner(context, request, body.token);
    runner.contactedAtMs = context.now();
    const seeker = { runner, systemId: body.system_id, features: booleans(body.info?.features ?? {}) };
    const job = await findJob(context, seeker, body.last_update, reply);
    reply.header("X-GitLab-Last-Update", context.queue.cursor);
    if (job === undefined) return reply.code(204).send();
    if (reply.raw.destroyed) {
      context.lifecycle.takeBack(job);
      return reply;
    }
    reply.raw.once("close", () => {
      // Closed before all was written: the runner has no job, whatever part of the answer it got.
      if (!reply.raw.writableFinished) context.lifecycle.takeBack(job);
    });
    return await answer(context, job, reply);
  });
}

async function findJob(
  context: ApiContext,
  seeker: JobSeeker,
  cursor: string | undefined,
  reply: FastifyReply,
): Promise<JobRecord | undefined> {
  let found: JobRecord | undefined;
  const take = (job: JobRecord) => {
    context.contacts.touch(job.id, context.now());
    context.lifecycle.handOut(job, seeker);
    found = job;
  };
  const ready = context.queue.take(seeker, context.now());
  if (ready !== undefined) take(ready);
  const mayWait = context.settings.longPollMs > 0 && (cursor === undefined || cursor === context.queue.cursor);
  if (found === undefined && mayWait) {
    await context.queue.wait(seeker, { gone: reply.raw, patienceMs: context.settings.longPollMs }, take);
  }
  return found;
}

async function answer(context: ApiContext, job: JobRecord, reply: FastifyReply): Promise<FastifyReply> {
  const payload = await handOutPayload(context, job).catch((err: unknown) => {
    context.log.error("a job's payload could not be made", { "ci.job.id": job.id, err });
  });
  if (payload === undefined) {
    context.lifecycle.end(job, { state: "failed", failureReason: "data_integrity_failure" });
    return reply.code(204).send();
  }
  try {
    // A hand-out that a crash forgets would be made again, to another runner.
    await context.state.stored();
  } catch (cause) {
    context.lifecycle.takeBack(job);
    throw new HttpError("503 Service Unavailable - state cannot be stored", { statusCode: 503, cause });
  }
  return reply.code(201).send(payload);
}

function booleans(features: Readonly<Record<string, unknown>>): Record<string, boolean> {
  return Object.fromEntries(Object.entries(features).map(([name, value]) => [name, value === true]));
}
