import type { Log } from "@jobscope/labkit";
import fastify, { type FastifyInstance } from "fastify";
import { z } from "zod";
import type { Gate } from "../auth/gate.ts";
import { isOwnHost } from "../auth/trusted-host.ts";
import type { CollectorStats } from "../collector-stats.ts";
import { StoreError, type StoreErrorCode } from "../store/store-error.ts";
import type { ListFilter } from "../stored-trace.ts";
import { jobParams, listParams, sqlParams, traceParams } from "./api-params.ts";
import { metricsText } from "./metrics-text.ts";
import type { StoreReader } from "./store-reader.ts";
import { toJson } from "./stored-rows.ts";

/** What each failure of the store is in HTTP. */
const statusByCode: Readonly<Record<StoreErrorCode, number>> = {
  unavailable: 503,
  full: 503,
  overloaded: 429,
  rejected: 400,
  unstorable: 400,
  "read-only": 403,
  timeout: 408,
  "too-large": 413,
};

/** Dependencies of {@link createQueryApi}. */
export interface QueryApiOptions {
  readonly reader: StoreReader;
  readonly gate: Gate;
  /** The host that the options name to listen on. */
  readonly host: string | undefined;
  readonly stats: () => CollectorStats;
  readonly log: Log;
}

/**
 * The query API: JSON over HTTP, with `{ "message": … }` for whatever fails; client.ts is its client.
 *
 * `GET /api/traces/:traceId`, `/api/jobs/:jobId/trace`, `/api/jobs`, `/api/pipelines`, `POST /api/sql`, `GET /health`,
 * `GET /metrics`. Where a token is asked for, all of it needs one but `/health`; where none is, a request must name this
 * machine as its host. The server is returned unstarted.
 */
export function createQueryApi({ reader, gate, host, stats, log }: QueryApiOptions): FastifyInstance {
  const server = fastify({ logger: false, bodyLimit: 256 * 1024, forceCloseConnections: true });
  server.setReplySerializer(toJson);
  server.addHook("onRequest", async (request, reply) => {
    if (!gate.asks && !isOwnHost(request.headers.host, [host, request.socket.localAddress])) {
      gate.count("wrong-host");
      return await reply.code(403).send({ message: "the host of this request is not an address of this collector" });
    }
    if (request.url === "/health") return;
    if ((await gate.admit(request.headers.authorization)).kind === "accepted") return;
    return await reply.code(401).header("WWW-Authenticate", "Bearer").send({ message: "not authenticated" });
  });

  server.get("/api/traces/:traceId", async (request, reply) => {
    const { traceId } = traceParams.parse(request.params);
    return (
      (await reader.getTrace(traceId)) ?? (await reply.code(404).send({ message: `no trace ${traceId} is stored` }))
    );
  });
  server.get("/api/jobs/:jobId/trace", async (request, reply) => {
    const { jobId } = jobParams.parse(request.params);
    const trace = await reader.getJobTrace(jobId);
    return trace ?? (await reply.code(404).send({ message: `no spans of job ${jobId} are stored` }));
  });
  server.get("/api/jobs", async (request) => ({ jobs: await reader.listJobs(filterOf(request.query)) }));
  server.get("/api/pipelines", async (request) => ({
    pipelines: await reader.listPipelines(filterOf(request.query)),
  }));
  server.post("/api/sql", async (request, reply) => {
    const { query, format } = sqlParams.parse(request.body);
    const { body } = await reader.sql(query, format === undefined ? {} : { format });
    return await reply.header("Content-Type", "application/octet-stream").send(body);
  });
  server.get("/health", async () => ({ status: "ok" }));
  server.get("/metrics", async (_request, reply) => {
    return await reply
      .header("Content-Type", "text/plain; version=0.0.4")
      .serializer(String)
      .send(metricsText(stats()));
  });

  server.setNotFoundHandler(async (request, reply) => {
    const message = `nothing is at ${request.method} ${request.url.split("?")[0]}`;
    return await reply.code(400).send({ message });
  });
  server.setErrorHandler(async (error, _request, reply) => {
    const { status, message } = failureOf(error);
    if (status >= 500) log.warn("a query failed", { err: error });
    return await reply.code(status).send({ message });
  });
  return server;
}

function filterOf(query: unknown): ListFilter {
  const { limit, projectId, pipelineId } = listParams.parse(query);
  return {
    limit,
    ...(projectId === undefined ? {} : { projectId }),
    ...(pipelineId === undefined ? {} : { pipelineId }),
  };
}

function failureOf(error: unknown): { status: number; message: string } {
  if (error instanceof z.ZodError) {
    const problems = error.issues.map(({ path, message }) => `${path.join(".") || "body"}: ${message}`);
    return { status: 400, message: problems.join("; ") };
  }
  if (error instanceof StoreError) return { status: statusByCode[error.code], message: error.message };
  const status = error instanceof Error && "statusCode" in error ? Number(error.statusCode) : 500;
  return { status, message: status < 500 && error instanceof Error ? error.message : "the collector failed" };
}
