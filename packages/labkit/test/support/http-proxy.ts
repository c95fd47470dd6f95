import { once } from "node:events";
import { createServer, type IncomingMessage, request as sendRequest } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { pipeline } from "node:stream";

/** An HTTP proxy on a real socket: passes plain requests on and opens tunnels. */
export interface HttpProxy extends AsyncDisposable {
  /** With user info when it wants some. */
  readonly url: string;
  /** What it was asked for: `CONNECT 127.0.0.1:4317`, `POST http://127.0.0.1:4318/v1/traces`. */
  readonly asked: readonly string[];
  /** Those that it did not let through. */
  readonly refused: readonly string[];
}

export async function startHttpProxy({ userInfo }: { userInfo?: string } = {}): Promise<HttpProxy> {
  const asked: string[] = [];
  const refused: string[] = [];
  const sockets = new Set<Socket>();
  const expected = userInfo === undefined ? undefined : `Basic ${btoa(decodeURIComponent(userInfo))}`;

  function isLetThrough({ method, url, headers }: IncomingMessage): boolean {
    const isKnown = headers["proxy-authorization"] === expected;
    (isKnown ? asked : refused).push(`${method} ${url}`);
    return isKnown;
  }

  const server = createServer((request, response) => {
    if (!isLetThrough(request)) {
      response.writeHead(407).end();
      return;
    }
    const { "proxy-authorization": _, ...headers } = request.headers;
    const onwards = sendRequest(request.url ?? "", { method: request.method ?? "", headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onwards.on("error", () => response.writeHead(502).end());
    request.pipe(onwards);
  });
  server.on("connect", (request: IncomingMessage, socket: Socket) => {
    if (!isLetThrough(request)) {
      socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
      return;
    }
    const { hostname, port } = new URL(`http://${request.url}`);
    const onwards = connect(Number(port), hostname, () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      const done = () => {};
      pipeline(socket, onwards, done);
      pipeline(onwards, socket, done);
    });
    onwards.on("error", () => socket.destroy());
    sockets.add(onwards);
  });
  server.on("connection", (socket) => sockets.add(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${userInfo === undefined ? "" : `${userInfo}@`}127.0.0.1:${port}`,
    asked,
    refused,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
