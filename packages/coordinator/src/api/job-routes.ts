import type { FastifyInstance, FastifyReply } from "fastify";
import { z } from "zod";
import { findCoverage } from "../lifecycle/find-coverage.ts";
import type { JobRecord } from "../lifecycle/records.ts";
import type { ApiContext } from "./api-context.ts";
import { authenticateJob } from "./authenticate.ts";
import { HttpError } from "./http-errors.ts";
import { parseBody, parseId } from "./parse-body.ts";

const updateBody = z.object({
  token: z.string().optional(),
  state: z.enum(["running", "success", "failed"]).optional(),
  failure_reason: z.string().max(256).optional(),
  exit_code: z.number().int().optional(),
  checksum: z.string().optional(),
  output: z.object({ checksum: z.string().optional(), bytesize: z.number().int().optional() }).nullish(),
});
type UpdateBody = z.infer<typeof updateBody>;

/** How often a runner is asked to send its log again before the coordinator takes what it has. */
const maxLogRestarts = 3;

/** `PUT jobs/:id` and `PATCH jobs/:id/trace` (runner-protocol.md §1.9 to §1.11). */
export function jobRoutes(app: FastifyInstance, context: ApiContext): void {
  const restarts = new Map<number, number>();

  app.put<{ Params: { id: string } }>("/api/v4/jobs/:id", async (request, reply) => {
    const body = parseBody(updateBody, request.body);
    const job = authenticateJob(context, request, parseId(request.params.id, "Job"), body.token);
    if (body.state !== "success" && body.state !== "failed") return reply.headers(statusOf(job)).code(200).send(null);
    return await endJob(context, restarts, job, body, reply);
  });

  app.patch<{ Params: { id: string } }>("/api/v4/jobs/:id/trace", async (request, reply) => {
    const job = authenticateJob(context, request, parseId(request.params.id, "Job"));
    const bytes = request.body;
    if (!Buffer.isBuffer(bytes)) throw new HttpError("400 Bad request - expected text/plain", { statusCode: 400 });
    const firstByte = rangeStart(request.headers["content-range"], bytes.length);
    const stored = await context.files.logState(job.id);
    if (firstByte === 0 && stored.bytes > 0 && restarts.has(job.id)) await context.files.restartLog(job.id);
    else if (firstByte !== stored.bytes) {
      return reply
        .headers({ ...statusOf(job), Range: `0-${stored.bytes}` })
        .code(416)
        .send();
    }
    if (firstByte + bytes.length > context.settings.maxJobLogBytes) {
      context.lifecycle.end(job, { state: "failed", failureReason: "trace_size_exceeded" });
      return reply.headers(statusOf(job)).code(403).send();
    }
    const { bytes: length } = await context.files.appendLog(job.id, bytes);
    context.logGrew(job, length);
    return reply
      .headers({ ...logHeaders(context, job), Range: `0-${length}` })
      .code(202)
      .send();
  });
}

/** `Content-Range: <first>-<last>`, both inclusive. @throws {HttpError} 400. */
function rangeStart(header: string | undefined, length: number): number {
  const match = /^(\d{1,15})-(\d{1,15})$/.exec(header ?? "");
  const [first, last] = [Number(match?.[1]), Number(match?.[2])];
  if (match !== null && last - first + 1 === length) return first;
  throw new HttpError(`400 Bad request - Content-Range ${header ?? "is missing"} for ${length} bytes`, {
    statusCode: 400,
  });
}

async function endJob(
  context: ApiContext,
  restarts: Map<number, number>,
  job: JobRecord,
  body: UpdateBody,
  reply: FastifyReply,
): Promise<FastifyReply> {
  if (context.files.isWritingLog(job.id)) return reply.headers(logHeaders(context, job)).code(202).send(null);
  const isWhole = await isLogWhole(context, job, body);
  const restarted = restarts.get(job.id) ?? 0;
  if (!isWhole && restarted < maxLogRestarts) {
    restarts.set(job.id, restarted + 1);
    return reply.headers(logHeaders(context, job)).code(412).send({ message: "412 Precondition Failed - job log" });
  }
  if (!isWhole) context.log.warn("a job log never matched its checksum", { "ci.job.id": job.id });
  restarts.delete(job.id);
  await readCoverage(context, job);
  context.lifecycle.end(job, {
    state: body.state === "success" ? "success" : "failed",
    ...(body.failure_reason === undefined ? {} : { failureReason: body.failure_reason }),
    ...(body.exit_code === undefined ? {} : { exitCode: body.exit_code }),
  });
  context.contacts.forget(job.id);
  return reply.headers(statusOf(job)).code(200).send(null);
}

/** A runner that tells no checksum is taken at its word. */
async function isLogWhole(context: ApiContext, job: JobRecord, body: UpdateBody): Promise<boolean> {
  const checksum = body.output?.checksum ?? body.checksum;
  const stored = await context.files.logState(job.id);
  const size = body.output?.bytesize;
  if (size !== undefined && size !== stored.bytes) return false;
  return checksum === undefined || checksum === `crc32:${stored.crc32.toString(16).padStart(8, "0")}`;
}

/** `coverage:` takes the last match in the job log (GitLab's reference of `coverage`). */
async function readCoverage(context: ApiContext, job: JobRecord): Promise<void> {
  const source = /^\/(.*)\/$/s.exec(job.plan.coverage ?? "")?.[1];
  if (source === undefined) return;
  const text = Buffer.from(await context.files.readLog(job.id, 0)).toString("utf8");
  job.coverage = findCoverage(text, source);
}

function statusOf(job: JobRecord): Record<string, string> {
  return { "Job-Status": job.state };
}

function logHeaders(context: ApiContext, job: JobRecord): Record<string, string> {
  return { ...statusOf(job), "X-GitLab-Trace-Update-Interval": String(context.settings.logUpdateIntervalSeconds) };
}
