import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";

/**
 * What becomes of one request: `forward`, an answer in the server's place, or its answer cut after so many bytes of the
 * body.
 */
export type RelayFault =
  | { readonly kind: "forward" }
  | { readonly kind: "answer"; readonly status: number; readonly body?: string }
  | { readonly kind: "cut"; readonly afterBytes: number };

/** Stands before a server and spoils the next requests, in order; those after them are forwarded. */
export interface HttpRelay extends AsyncDisposable {
  readonly url: string;
  readonly faults: RelayFault[];
}

export async function startHttpRelay(target: string): Promise<HttpRelay> {
  const faults: RelayFault[] = [];
  const server = createServer((incoming, outgoing) => {
    const fault = faults.shift() ?? { kind: "forward" };
    if (fault.kind === "answer") {
      incoming.resume();
      incoming.once("end", () => outgoing.writeHead(fault.status, { connection: "close" }).end(fault.body));
    } else forward(target, incoming, outgoing, fault.kind === "cut" ? fault.afterBytes : undefined);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a port was given");
  return {
    url: `http://127.0.0.1:${address.port}`,
    faults,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** The `Host` field stays: signatures hold it. */
function forward(target: string, incoming: IncomingMessage, outgoing: ServerResponse, cutAfter: number | undefined) {
  const { method, headers, url } = incoming;
  const onward = request(new URL(url ?? "/", target), { method, headers, agent: false }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    if (cutAfter === undefined) answer.pipe(outgoing);
    else {
      answer.once("data", (chunk: Buffer) => {
        answer.destroy();
        outgoing.write(chunk.subarray(0, cutAfter), () => outgoing.destroy());
      });
    }
  });
  onward.on("error", () => outgoing.destroy());
  incoming.pipe(onward);
}
