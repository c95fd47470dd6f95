import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Registry } from "prom-client";
import { ConfigError } from "../config/config-error.ts";
import { formatGoDuration } from "../config/go-duration.ts";
import type { ManagerStatus, RunningJob } from "./manager-status.ts";
import { type ProfileKind, profileProcess } from "./profile-process.ts";
import { executorStageOf } from "./status-gauges.ts";
import { telemetryState } from "./telemetry-state.ts";

/** Port of GitLab's runner when `listen_address` has none. */
const defaultPort = 9252;

export interface MetricsServer extends AsyncDisposable {
  /** `http://127.0.0.1:9252` */
  readonly url: string;
}

/**
 * Serves `/metrics`, `/debug/jobs/list`, `/debug/process/state`, `/debug/telemetry`, `/debug/pprof/profile`,
 * `/debug/pprof/heap` and `/health/ready` without authentication (runner-protocol.md §6.10). Profiles are V8's.
 *
 * @param listenAddress `host:port`, `:port` (all interfaces) or `host`.
 * @throws {ConfigError} when the address is none. @throws {Error} when it cannot be listened on.
 */
export async function startMetricsServer(
  listenAddress: string,
  sources: { readonly registry: Registry; readonly status: () => ManagerStatus },
): Promise<MetricsServer> {
  const { host, port } = parseListenAddress(listenAddress);
  const server = createServer((request, response) => {
    if (request.method !== "GET" && request.method !== "HEAD") return answer(response, 405, "text/plain", "");
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://runner");
    switch (pathname) {
      case "/metrics":
        void sources.registry.metrics().then(
          (text) => answer(response, 200, sources.registry.contentType, text),
          (error: unknown) => answer(response, 500, "text/plain", String(error)),
        );
        return;
      case "/debug/jobs/list":
        response.setHeader("x-list-version", "2");
        return answer(response, 200, "text/plain", listJobs(sources.status()));
      case "/debug/process/state":
        return answer(response, 200, "application/json", processState(sources.status()));
      case "/debug/pprof/profile":
      case "/debug/pprof/heap":
        return void answerProfile(
          response,
          pathname.endsWith("heap") ? "heap" : "profile",
          searchParams.get("seconds"),
        );
      case "/debug/telemetry":
        return answer(response, 200, "application/json", telemetryState(sources.status()));
      case "/health/ready":
        return answer(response, 200, "text/plain", "ready\n");
      default:
        return answer(response, 404, "text/plain", "not found\n");
    }
  });
  server.listen({ port, ...(host === "" ? {} : { host }) });
  await once(server, "listening");
  const bound = server.address() as AddressInfo;
  const shownHost = host === "" ? "127.0.0.1" : host.includes(":") ? `[${host}]` : host;
  return {
    url: `http://${shownHost}:${bound.port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** `127.0.0.1:9252` → both; `:9252` → all interfaces; `[::1]` → the default port. */
function parseListenAddress(address: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(address) ?? [];
  const host = bracketed ?? plain;
  const number = port === undefined ? defaultPort : Number(port);
  if (host === undefined || number > 65_535) {
    const message = `expected "host:port" or ":port", found "${address}"`;
    throw new ConfigError({ file: "configuration", problems: [{ key: "listen_address", message }] });
  }
  return { host, port: number };
}

/** GitLab's line (version 2 of the list), and after it what we know more. */
function listJobs({ jobs }: ManagerStatus): string {
  return jobs.map((job) => `${describeJob(job)}\n`).join("");
}

function describeJob(job: RunningJob): string {
  const { url, stage, startedAt, jobId, projectId, runnerName, traceId } = job;
  const duration = formatGoDuration(Math.round((Date.now() - startedAt.getTime()) / 1000) * 1000);
  return (
    `url=${url} state=running stage=${stage} executor_stage=${executorStageOf(job)} duration=${duration} ` +
    `id=${jobId} project=${projectId} runner=${JSON.stringify(runnerName)} trace_id=${traceId ?? ""}`
  );
}

/** For a person who wonders what the process is doing; no tokens. */
function processState({ systemId, state: phase, concurrent, busyWorkers, runners, jobs }: ManagerStatus): string {
  const { rss, heapUsed } = process.memoryUsage();
  const state = {
    state: phase,
    pid: process.pid,
    system_id: systemId,
    uptime_s: Math.round(process.uptime()),
    resident_bytes: rss,
    heap_bytes: heapUsed,
    concurrent,
    busy_workers: busyWorkers,
    running_jobs: jobs.length,
    runners: runners.map(({ runner, ...counts }) => ({
      name: runner.name,
      jobs: counts.jobs,
      requests: counts.requests,
      request_limit: counts.requestLimit,
    })),
  };
  return `${JSON.stringify(state, undefined, 2)}\n`;
}

/** A profile ends with the connection of whoever asked for it. */
async function answerProfile(response: ServerResponse, kind: ProfileKind, seconds: string | null): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort(new Error("nobody waits for the profile")));
  try {
    answer(response, 200, "application/json", await profileProcess(kind, seconds, gone.signal));
  } catch (error) {
    if (gone.signal.aborted) return;
    answer(response, error instanceof RangeError ? 400 : 500, "text/plain", `${String(error)}\n`);
  }
}

function answer(response: ServerResponse, status: number, contentType: string, text: string): void {
  response.writeHead(status, { "content-type": contentType }).end(text);
}
