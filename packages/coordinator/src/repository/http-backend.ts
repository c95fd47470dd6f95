import { spawn } from "node:child_process";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Log } from "@jobscope/labkit";
import type { ChildEnvironment } from "../child-environment.ts";

/** One request to git's smart HTTP. */
export interface GitExchange {
  readonly environment: ChildEnvironment;
  /** Bare repository; nothing else can be reached. */
  readonly folder: string;
  readonly service: string;
  readonly query: string;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly log: Log;
}

/** Largest header that a CGI program may print. */
const maxHeaderBytes = 16 << 10;

/**
 * Answers with `git http-backend`, the CGI program that comes with git: bodies are streamed both ways, and the program is
 * stopped when the client goes. Never throws; what goes wrong is logged.
 */
export async function serveGit(exchange: GitExchange): Promise<void> {
  const { request, response, log } = exchange;
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const child = spawn("git", ["http-backend"], {
    env: { ...exchange.environment, ...cgiVariables(exchange) },
    stdio: ["pipe", "pipe", "pipe"],
    signal: gone.signal,
  });
  let complaint = "";
  child.stderr.on("data", (chunk: Buffer) => {
    if (complaint.length < 4096) complaint += chunk.toString("utf8");
  });
  child.on("error", (err) => {
    if (!gone.signal.aborted) log.error("git http-backend did not start", { err });
  });
  try {
    const body = pipeline(request, child.stdin).catch(() => {
      // git answers without reading all of a request that it refuses.
    });
    const rest = await readHead(child.stdout, response);
    response.write(rest);
    await pipeline(child.stdout, response);
    await body;
  } catch (err) {
    if (!gone.signal.aborted) log.warn("a git request failed", { err, complaint });
    if (!response.headersSent) response.statusCode = 500;
    response.end();
  }
}

function cgiVariables({ folder, service, query, request }: GitExchange): Record<string, string> {
  const header = (name: string) => String(request.headers[name] ?? "");
  return {
    GIT_PROJECT_ROOT: folder,
    GIT_HTTP_EXPORT_ALL: "1",
    // Who may push was decided before, whatever the repository's own setting.
    GIT_CONFIG_COUNT: "1",
    GIT_CONFIG_KEY_0: "http.receivepack",
    GIT_CONFIG_VALUE_0: "true",
    PATH_INFO: `/${service}`,
    QUERY_STRING: query,
    REQUEST_METHOD: request.method ?? "GET",
    REMOTE_ADDR: request.socket.remoteAddress ?? "",
    REMOTE_USER: "gitlab-ci-token",
    CONTENT_TYPE: header("content-type"),
    HTTP_CONTENT_ENCODING: header("content-encoding"),
    GIT_PROTOCOL: header("git-protocol"),
    ...(request.headers["content-length"] === undefined ? {} : { CONTENT_LENGTH: header("content-length") }),
  };
}

/** Reads the CGI header, gives it to the response, and returns what of the body came with it. */
async function readHead(stdout: Readable, response: ServerResponse): Promise<Buffer> {
  let read = Buffer.alloc(0);
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const onData = (chunk: Buffer) => {
    read = Buffer.concat([read, chunk]);
    const end = read.indexOf("\r\n\r\n");
    if (end >= 0) {
      stdout.pause();
      resolve(read.subarray(end + 4));
    } else if (read.length > maxHeaderBytes) reject(new Error("git http-backend printed no header"));
  };
  stdout.on("data", onData);
  stdout.once("end", () => reject(new Error("git http-backend ended without an answer")));
  try {
    const rest = await promise;
    applyHead(read.subarray(0, read.length - rest.length - 4).toString("latin1"), response);
    return rest;
  } finally {
    stdout.off("data", onData);
  }
}

function applyHead(head: string, response: ServerResponse): void {
  for (const line of head.split("\r\n")) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).trim();
    const value = line.slice(colon + 1).trim();
    if (name.toLowerCase() === "status") response.statusCode = Number.parseInt(value, 10);
    else if (colon > 0) response.setHeader(name, value);
  }
}
