import { randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { pipeline as pipe } from "node:stream/promises";
import type { FastifyInstance, FastifyReply } from "fastify";
import { z } from "zod";
import type { ArtifactRecord, JobRecord } from "../lifecycle/records.ts";
import { parseDuration } from "../pipeline/config/duration.ts";
import { readZipEntry } from "../store/read-zip-entry.ts";
import type { ApiContext } from "./api-context.ts";
import { authenticateJob, headerOf, jobOfToken } from "./authenticate.ts";
import { isExpired } from "./hand-out-payload.ts";
import { HttpError, notFound, wrongToken } from "./http-errors.ts";
import { parseBody, parseId } from "./parse-body.ts";
import { parseDotenv } from "./parse-dotenv.ts";

const uploadQuery = z.object({
  artifact_type: z
    .string()
    .regex(/^[a-z0-9_]{1,64}$/)
    .default("archive"),
  artifact_format: z.enum(["zip", "gzip", "raw", "zipzstd", "tarzstd"]).optional(),
  expire_in: z.string().max(255).optional(),
});
type UploadQuery = z.infer<typeof uploadQuery>;

/** A runner sends one file and nothing else. */
const formLimits = { files: 1, fields: 0, parts: 1, headerPairs: 100 };

/** GitLab knows some thirty types. */
const maxArtifactsOfJob = 64;

/** Upload and download of artifacts (runner-protocol.md §1.12). */
export function artifactRoutes(app: FastifyInstance, context: ApiContext): void {
  app.post<{ Params: { id: string } }>("/api/v4/jobs/:id/artifacts", async (request, reply) => {
    const job = authenticateJob(context, request, parseId(request.params.id, "Job"));
    const query = parseBody(uploadQuery, request.query);
    const isNew = job.artifacts.every(({ type }) => type !== query.artifact_type);
    if (isNew && job.artifacts.length >= maxArtifactsOfJob) {
      throw new HttpError(`400 Bad request - a job has at most ${maxArtifactsOfJob} artifacts`, { statusCode: 400 });
    }
    const part = await request.file({ limits: { fileSize: context.settings.maxArtifactBytes, ...formLimits } });
    if (part?.fieldname !== "file") throw new HttpError("400 Bad request - file is missing", { statusCode: 400 });
    const upload = await context.files.uploadPath(job.id, randomUUID());
    try {
      await pipe(part.file, createWriteStream(upload, { mode: 0o600 }));
      if (part.file.truncated) throw new HttpError("413 Request Entity Too Large", { statusCode: 413 });
      await keep(context, job, query, { upload, filename: part.filename, sizeBytes: part.file.bytesRead });
    } finally {
      await rm(upload, { force: true });
    }
    return reply.code(201).send({});
  });

  app.get<{ Params: { id: string } }>("/api/v4/jobs/:id/artifacts", async (request, reply) => {
    const job = context.state.jobs.get(parseId(request.params.id, "Job"));
    const reader = jobOfToken(context, headerOf(request, "job-token"));
    if (reader === undefined) throw wrongToken("job");
    if (job === undefined || reader.projectId !== job.projectId) throw notFound("Job");
    return sendArchive(context, job, reply);
  });
}

/** Sends a job's archive. @throws {HttpError} 404 when there is none or it has expired. */
export function sendArchive(context: ApiContext, job: JobRecord, reply: FastifyReply): FastifyReply {
  const archive = job.artifacts.find(({ type }) => type === "archive");
  if (archive === undefined || isExpired(archive, context.now())) throw notFound("Artifacts");
  reply.header("Content-Type", "application/octet-stream");
  reply.header("Content-Length", archive.sizeBytes);
  reply.header("Content-Disposition", `attachment; filename="${archive.filename.replaceAll(/[^\w.-]/g, "_")}"`);
  return reply.send(context.files.artifactStream(job.id, archive.storedAs));
}

/** Sends one file out of a job's archive. @throws {HttpError} 404 when it is not there. */
export async function sendArchived(
  context: ApiContext,
  job: JobRecord,
  path: string,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const archive = job.artifacts.find(({ type }) => type === "archive");
  if (archive === undefined || isExpired(archive, context.now())) throw notFound("Artifacts");
  const content = await readZipEntry(context.files.artifactPath(job.id, archive.storedAs), path).catch(() => undefined);
  if (content === undefined) throw notFound("File");
  return reply.type("application/octet-stream").send(content);
}

/** A second upload of the same type takes the place of the first: the runner did not get our answer. */
async function keep(
  context: ApiContext,
  job: JobRecord,
  query: UploadQuery,
  file: { upload: string; filename: string; sizeBytes: number },
): Promise<void> {
  const storedAs = `artifact-${query.artifact_type}`;
  await context.files.keepUpload(job.id, file.upload, storedAs);
  if (query.artifact_type === "dotenv") {
    job.dotenv = parseDotenv(await context.files.readArtifact(job.id, storedAs), file.filename.endsWith(".gz"));
  }
  const seconds = query.expire_in === undefined ? undefined : parseDuration(query.expire_in);
  const artifact: ArtifactRecord = {
    type: query.artifact_type,
    format: query.artifact_format ?? "zip",
    filename: file.filename,
    sizeBytes: file.sizeBytes,
    expiresAtMs: seconds === undefined ? undefined : context.now() + seconds * 1000,
    storedAs,
  };
  job.artifacts = [...job.artifacts.filter(({ type }) => type !== artifact.type), artifact];
  context.state.saveJob(job);
}
