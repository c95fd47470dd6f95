import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";

/** Serves the repositories of a directory over smart HTTP, to whoever brings the password. */
export interface GitHttpServer extends AsyncDisposable {
  /** `http://127.0.0.1:<port>`, or with `https`. */
  readonly url: string;
  /** User and password of each request; empty for one without. */
  readonly credentials: readonly string[];
}

/** @param tls serves over TLS with these. */
export async function startGitHttpServer(
  directory: string,
  credentials: string,
  tls?: { readonly key: Buffer; readonly cert: Buffer },
): Promise<GitHttpServer> {
  const seen: string[] = [];
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const [, encoded = ""] = (request.headers.authorization ?? "").split(" ");
    const given = Buffer.from(encoded, "base64").toString();
    seen.push(given);
    if (given === credentials) void serve(directory, request, response);
    else response.writeHead(401, { "www-authenticate": 'Basic realm="test"' }).end();
  };
  const server = tls === undefined ? createServer(answer) : createTlsServer(tls, answer);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}`,
    credentials: seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** Git's own CGI program does the work. */
async function serve(directory: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, search } = new URL(request.url ?? "/", "http://localhost");
  const backend = spawn("git", ["http-backend"], {
    env: {
      PATH: "/usr/local/bin:/usr/bin:/bin",
      GIT_PROJECT_ROOT: directory,
      GIT_HTTP_EXPORT_ALL: "1",
      GIT_CONFIG_COUNT: "1",
      GIT_CONFIG_KEY_0: "safe.directory",
      GIT_CONFIG_VALUE_0: "*",
      REQUEST_METHOD: request.method,
      PATH_INFO: pathname,
      QUERY_STRING: search.slice(1),
      CONTENT_TYPE: request.headers["content-type"] ?? "",
      HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "",
      HTTP_GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
    },
    stdio: ["pipe", "pipe", "ignore"],
  });
  request.pipe(backend.stdin);
  backend.stdin.on("error", () => undefined);
  const chunks: Buffer[] = [];
  for await (const chunk of backend.stdout) chunks.push(chunk as Buffer);
  const answer = Buffer.concat(chunks);
  const end = answer.indexOf("\r\n\r\n");
  const headers = new Headers(
    answer
      .subarray(0, end)
      .toString()
      .split("\r\n")
      .map((line) => line.split(": ", 2) as [string, string]),
  );
  const status = Number.parseInt(headers.get("status") ?? "200", 10);
  headers.delete("status");
  response.writeHead(status, Object.fromEntries(headers)).end(answer.subarray(end + 4));
}
