import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** An OTLP/HTTP endpoint in the process of the benchmark: reads requests and throws them away. */
export interface DiscardingReceiver extends AsyncDisposable {
  readonly url: string;
  readonly receivedBytes: () => number;
}

/** @param options `isSilent`: reads requests and never answers. */
export async function startDiscardingReceiver({ isSilent = false } = {}): Promise<DiscardingReceiver> {
  let bytes = 0;
  const server = createServer((request, response) => {
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
    });
    if (isSilent) return;
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
