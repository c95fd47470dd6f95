import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { findLfsObject, keepLfsObject, LfsObjectError } from "../repository/lfs-objects.ts";
import type { ApiContext } from "./api-context.ts";
import { type GitAccess, gitAccess } from "./git-caller.ts";
import { HttpError, notFound } from "./http-errors.ts";
import { parseBody } from "./parse-body.ts";

const lfsJson = "application/vnd.git-lfs+json";

const object = z.object({ oid: z.string().regex(/^[0-9a-f]{64}$/), size: z.number().int().min(0) });
type WantedObject = z.infer<typeof object>;
const batchBody = z.object({
  operation: z.enum(["download", "upload"]),
  transfers: z.array(z.string()).default(["basic"]),
  hash_algo: z.literal("sha256").default("sha256"),
  objects: z.array(object).max(10_000),
});

/**
 * Git LFS beside a repository: the batch API with basic transfers and verification (Git LFS documentation, "Batch API",
 * "Basic Transfer API"). Locks are not kept: 501 is how a server says so (ibid., "File Locking API").
 */
export async function answerLfs(
  context: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
  { path, asked }: { path: string; asked: string },
): Promise<FastifyReply> {
  const access = gitAccess(context, request, path);
  const route = `${request.method} ${asked.replace(/^info\/lfs\//, "")}`;
  const oid = /^(?:GET|PUT) objects\/([0-9a-f]{64})$/.exec(route)?.[1];
  if (oid !== undefined && request.method === "GET") return await sendObject(access, oid, reply);
  if (oid !== undefined) return await receiveObject(context, access, oid, request, reply);
  if (route === "POST objects/batch") {
    const body = parseBody(batchBody, request.body);
    if (body.operation === "upload") refuseUpload(access);
    const place = `${context.url()}/${path}.git/info/lfs/objects`;
    const header = { Authorization: request.headers.authorization ?? "" };
    const actionsOf = body.operation === "upload" ? uploadOf : downloadOf;
    const objects = await Promise.all(body.objects.map((wanted) => actionsOf(access, wanted, { place, header })));
    return reply.type(lfsJson).send(JSON.stringify({ transfer: "basic", hash_algo: "sha256", objects }));
  }
  if (route === "POST objects/verify") {
    const wanted = parseBody(object, request.body);
    const found = await findLfsObject(access.lfsObjects, wanted.oid);
    if (found?.size !== wanted.size) throw notFound("Object");
    return reply.code(200).send();
  }
  if (route.includes(" locks")) {
    throw new HttpError("501 Not Implemented - Git LFS locks are not kept here", { statusCode: 501 });
  }
  throw notFound("Page");
}

interface Place {
  readonly place: string;
  /** What the client shall send along: it does not send its own credentials to a transfer. */
  readonly header: Readonly<Record<string, string>>;
}

async function downloadOf({ lfsObjects }: GitAccess, { oid, size }: WantedObject, { place, header }: Place) {
  const found = await findLfsObject(lfsObjects, oid);
  if (found !== undefined) return { oid, size: found.size, actions: { download: { href: `${place}/${oid}`, header } } };
  const message = `object ${oid} is not on the coordinator's machine; \`git lfs fetch\` in its repository brings it`;
  return { oid, size, error: { code: 404, message } };
}

async function uploadOf({ lfsObjects }: GitAccess, { oid, size }: WantedObject, { place, header }: Place) {
  const found = await findLfsObject(lfsObjects, oid);
  // Without actions: it is here.
  if (found?.size === size) return { oid, size };
  // Without a type, git-lfs guesses one from the content.
  const upload = { href: `${place}/${oid}`, header: { ...header, "Content-Type": "application/octet-stream" } };
  return { oid, size, actions: { upload, verify: { href: `${place}/verify`, header } } };
}

async function sendObject({ lfsObjects }: GitAccess, oid: string, reply: FastifyReply): Promise<FastifyReply> {
  const found = await findLfsObject(lfsObjects, oid);
  if (found === undefined) throw notFound("Object");
  reply.type("application/octet-stream").header("Content-Length", found.size);
  return reply.send(createReadStream(found.path));
}

async function receiveObject(
  { settings }: ApiContext,
  access: GitAccess,
  oid: string,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  refuseUpload(access);
  const [folder = ""] = access.lfsObjects;
  // The parser of `application/octet-stream` hands the stream on; another type has been read already.
  if (!(request.body instanceof Readable)) throw new HttpError("415 Unsupported Media Type", { statusCode: 415 });
  try {
    await keepLfsObject(folder, oid, request.body, { maxBytes: settings.maxArtifactBytes });
  } catch (cause) {
    if (!(cause instanceof LfsObjectError)) throw cause;
    throw new HttpError(`422 Unprocessable Entity - ${cause.message}`, { statusCode: 422, cause });
  }
  return reply.code(200).send();
}

/** @throws {HttpError} 403. */
function refuseUpload({ pushed }: GitAccess): void {
  if (pushed === undefined) throw new HttpError("403 Forbidden - read-only", { statusCode: 403 });
}
