import { execFile, spawn } from "node:child_process";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A smart HTTP server for the bare repositories of a directory: git's own `http-backend` behind a real socket. */
export class GitServer implements AsyncDisposable {
  /** Requests as `METHOD path`. */
  readonly requests: string[] = [];
  /** With a login, everything needs it. */
  login: string | undefined;
  readonly host: string;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async start(root: string): Promise<GitServer> {
    const execPath = (await run("git", ["--exec-path"])).stdout.trim();
    let running: GitServer | undefined;
    const server = createServer((request, response) =>
      running?.answer(`${execPath}/git-http-backend`, root, request, response),
    );
    const { promise, resolve } = Promise.withResolvers<void>();
    server.listen(0, "127.0.0.1", resolve);
    await promise;
    running = new GitServer(server);
    return running;
  }

  /** Answers one request as CGI (RFC 3875). */
  private answer(backend: string, root: string, request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? "/", "http://server");
    this.requests.push(`${request.method} ${url.pathname}`);
    const expected = this.login && `Basic ${Buffer.from(this.login).toString("base64")}`;
    if (expected !== undefined && request.headers.authorization !== expected) {
      response.writeHead(401, { "www-authenticate": 'Basic realm="git"' }).end();
      return;
    }
    const child = spawn(backend, [], {
      stdio: ["pipe", "pipe", "inherit"],
      env: {
        GIT_PROJECT_ROOT: root,
        GIT_HTTP_EXPORT_ALL: "1",
        PATH_INFO: url.pathname,
        QUERY_STRING: url.search.slice(1),
        REQUEST_METHOD: request.method,
        CONTENT_TYPE: request.headers["content-type"] ?? "",
        HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "",
        GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
        REMOTE_ADDR: "127.0.0.1",
      },
    });
    request.pipe(child.stdin);
    child.stdin.on("error", () => {});
    let head: Buffer | undefined = Buffer.alloc(0);
    child.stdout.on("data", (chunk: Buffer) => {
      if (head === undefined) {
        response.write(chunk);
        return;
      }
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) return;
      const headers = head
        .subarray(0, end)
        .toString()
        .split("\r\n")
        .map((line) => line.split(": ", 2) as [string, string]);
      const status = headers.find(([name]) => name === "Status");
      response.writeHead(
        status ? Number.parseInt(status[1], 10) : 200,
        Object.fromEntries(headers.filter(([name]) => name !== "Status")),
      );
      response.write(head.subarray(end + 4));
      head = undefined;
    });
    child.stdout.on("end", () => response.end());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
