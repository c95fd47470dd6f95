import type { IncomingMessage } from "node:http";
import type { Log } from "@jobscope/labkit";
import fastify, { type FastifyInstance, type FastifyReply } from "fastify";
import type { Gate } from "../auth/gate.ts";
import { httpsOptions } from "../auth/server-tls.ts";
import type { TlsIdentity } from "../auth/tls-files.ts";
import { storeAdmitted } from "./admitted-request.ts";
import type { Ingest } from "./ingest.ts";
import {
  grpcCode,
  jsonResponse,
  malformed,
  type OtlpAnswer,
  protobufResponse,
  protobufStatus,
  tooBusy,
  turnedAway,
} from "./otlp-answer.ts";
import { readJsonRequest } from "./otlp-json.ts";
import { readProtobufRequest } from "./otlp-protobuf.ts";
import { type BodyOutcome, readBody } from "./request-body.ts";

type Encoding = "protobuf" | "json";

const contentTypes: Readonly<Record<Encoding, string>> = {
  protobuf: "application/x-protobuf",
  json: "application/json",
};

/** Dependencies and limits of {@link createOtlpHttpServer}. */
export interface OtlpHttpOptions {
  readonly ingest: Ingest;
  readonly gate: Gate;
  readonly tls: TlsIdentity | undefined;
  readonly maxRequestBytes: number;
  readonly log: Log;
}

/**
 * OTLP over HTTP: `POST /v1/traces`, protobuf or JSON, plain or gzipped (OTLP specification, "OTLP/HTTP").
 *
 * Answers come in the encoding of the request. The server is returned unstarted.
 */
export function createOtlpHttpServer({ ingest, gate, tls, maxRequestBytes, log }: OtlpHttpOptions): FastifyInstance {
  const server: FastifyInstance = fastify({
    logger: false,
    forceCloseConnections: "idle",
    keepAliveTimeout: 75_000,
    https: tls === undefined ? null : httpsOptions(tls),
  });
  // Bodies are read by us, piece by piece, so that limits hold before a body is in memory.
  server.removeAllContentTypeParsers();
  server.addContentTypeParser("*", (_request, _payload, done) => done(null));

  server.post("/v1/traces", async (request, reply) => {
    const encoding = encodingOf(request.headers["content-type"]);
    const sender = await gate.admit(request.headers.authorization);
    if (sender.kind === "refused") {
      return await send(hangUp(request.raw, reply), encoding ?? "json", turnedAway(sender));
    }
    if (encoding === undefined)
      return await refuse(request.raw, reply, "json", wrongType(request.headers["content-type"]));
    const contentEncoding = request.headers["content-encoding"] ?? "identity";
    if (contentEncoding !== "gzip" && contentEncoding !== "identity") {
      return await refuse(request.raw, reply, encoding, wrongEncoding(contentEncoding));
    }
    using reservation = ingest.pending.reserve();
    const body = await readBody(request.raw, { maxBytes: maxRequestBytes, reservation });
    if (body.kind !== "body") return await refuse(request.raw, reply, encoding, refusalOf(body, maxRequestBytes));
    const read = encoding === "protobuf" ? readProtobufRequest : readJsonRequest;
    const answered = await storeAdmitted({ sender, body: body.bytes, read, reservation }, { ingest, gate });
    count(answered);
    return await send(reply, encoding, answered);
  });

  server.setNotFoundHandler(async (request, reply) => {
    const isTraces = request.url.split("?")[0] === "/v1/traces";
    if (isTraces) reply.header("Allow", "POST");
    const message = isTraces
      ? `${request.method} is not allowed here: send spans with POST`
      : `nothing is at ${request.url.split("?")[0]}: this is a collector of spans, sent with POST to /v1/traces`;
    request.raw.resume();
    return await reply.code(isTraces ? 405 : 404).send({ message });
  });
  server.setErrorHandler(async (error, request, reply) => {
    if (request.raw.readableAborted) return;
    log.error("a request failed", { err: error });
    request.raw.resume();
    return await reply.code(500).send({ message: "the collector failed" });
  });
  return server;

  async function send(reply: FastifyReply, encoding: Encoding, answer: OtlpAnswer): Promise<FastifyReply> {
    reply.header("Content-Type", contentTypes[encoding]);
    if (answer.kind === "ok") {
      const { rejectedSpans } = answer;
      return await reply.send(encoding === "json" ? jsonResponse(rejectedSpans) : protobufResponse(rejectedSpans));
    }
    if (answer.httpStatus === 401) reply.header("WWW-Authenticate", "Bearer");
    if (answer.retryAfterSeconds !== undefined) reply.header("Retry-After", answer.retryAfterSeconds);
    const { grpcCode: code, message } = answer;
    const body = encoding === "json" ? JSON.stringify({ code, message }) : protobufStatus(code, message, undefined);
    return await reply.code(answer.httpStatus).send(body);
  }

  /** Answers before the body was read. */
  async function refuse(
    request: IncomingMessage,
    reply: FastifyReply,
    encoding: Encoding,
    answer: OtlpAnswer,
  ): Promise<FastifyReply> {
    count(answer);
    return await send(hangUp(request, reply), encoding, answer);
  }

  function count(answer: OtlpAnswer): void {
    if (answer.kind === "ok") return;
    if (answer.httpStatus === 429) ingest.stats.refusedRequests += 1;
    else ingest.stats.failedRequests += 1;
  }
}

/** The rest of the body is thrown away, and the connection is not used again. */
function hangUp(request: IncomingMessage, reply: FastifyReply): FastifyReply {
  request.resume();
  return reply.header("Connection", "close");
}

function encodingOf(contentType: string | undefined): Encoding | undefined {
  const type = contentType?.split(";")[0]?.trim().toLowerCase();
  if (type === contentTypes.json) return "json";
  return type === contentTypes.protobuf || type === "application/protobuf" ? "protobuf" : undefined;
}

function wrongType(contentType: string | undefined): OtlpAnswer {
  return unsupported(
    `Content-Type is ${contentType ?? "absent"}; expected ${Object.values(contentTypes).join(" or ")}`,
  );
}

function wrongEncoding(contentEncoding: string): OtlpAnswer {
  return unsupported(`Content-Encoding is ${contentEncoding}; expected gzip or none`);
}

function unsupported(message: string): OtlpAnswer {
  return {
    kind: "error",
    httpStatus: 415,
    grpcCode: grpcCode.invalidArgument,
    message,
    retryAfterSeconds: undefined,
  };
}

function refusalOf(body: Exclude<BodyOutcome, { kind: "body" }>, maxRequestBytes: number): OtlpAnswer {
  if (body.kind === "busy") return tooBusy();
  if (body.kind === "malformed") return malformed(body.message);
  return {
    kind: "error",
    httpStatus: 413,
    grpcCode: grpcCode.resourceExhausted,
    message: `the request is larger than ${maxRequestBytes} bytes, as sent or once inflated; send fewer spans at once`,
    retryAfterSeconds: undefined,
  };
}
