import type { FastifyRequest } from "fastify";
import { heldByRunner } from "../job-state.ts";
import type { JobRecord, RunnerRecord } from "../lifecycle/records.ts";
import { hashToken } from "../tokens.ts";
import type { ApiContext } from "./api-context.ts";
import { forbidden, notFound, wrongToken } from "./http-errors.ts";

/** A header's only value. */
export function headerOf(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

/**
 * The runner a token belongs to, from the body or the header (runner-protocol.md §1.2.1).
 * @throws {HttpError} 403.
 */
export function authenticateRunner(
  context: ApiContext,
  request: FastifyRequest,
  bodyToken: string | undefined,
): RunnerRecord {
  const token = bodyToken ?? headerOf(request, "runner-token") ?? "";
  const runner = context.state.runnerOfTokenHash(hashToken(token));
  if (runner === undefined) throw wrongToken("runner");
  return runner;
}

/**
 * The job of a call that only its runner may make, while it runs.
 * @throws {HttpError} 403 with `Job-Status` when the job has ended; 403 for a wrong token; 404 for no such job.
 */
export function authenticateJob(
  context: ApiContext,
  request: FastifyRequest,
  jobId: number,
  bodyToken?: string,
): JobRecord {
  const job = context.state.jobs.get(jobId);
  if (job === undefined) throw notFound("Job");
  const read = context.jobTokens.read(headerOf(request, "job-token") ?? bodyToken ?? "");
  if (read?.jobId !== jobId || read.handout !== job.handouts) throw wrongToken("job");
  if (!heldByRunner.has(job.state)) throw forbidden("the job is not running", { "Job-Status": job.state });
  context.contacts.touch(job.id, context.now());
  if (!job.isAcknowledged) {
    job.isAcknowledged = true;
    context.state.saveJob(job);
  }
  return job;
}

/**
 * The job a token was made for, ended or not, for reading: sources, artifacts of dependencies.
 * A hand-out that was taken back has no rights.
 */
export function jobOfToken(context: ApiContext, token: string | undefined): JobRecord | undefined {
  const read = token === undefined ? undefined : context.jobTokens.read(token);
  const job = read && context.state.jobs.get(read.jobId);
  return job !== undefined && read?.handout === job.handouts ? job : undefined;
}
