import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** An OTLP/HTTP endpoint that reads requests and throws them away, in the process of the benchmark. */
export interface DiscardingReceiver extends AsyncDisposable {
  readonly url: string;
  readonly receivedBytes: () => number;
}

export async function startDiscardingReceiver(): Promise<DiscardingReceiver> {
  let bytes = 0;
  const server = createServer((request, response) => {
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
    });
    request.on("end", () => response.writeHead(200, { "Content-Type": "application/x-protobuf" }).end());
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    receivedBytes: () => bytes,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
