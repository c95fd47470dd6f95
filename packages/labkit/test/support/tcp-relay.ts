import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";

/**
 * How a relay treats connections:
 * `forward`; `silent`: accepts and reads, answers nothing; `deaf`: accepts and reads nothing, so that the sender's buffers
 * fill; `slow`: forwards 16 KiB every 2 ms; `frozen`: connections stay open, nothing gets through any more, as when a
 * firewall forgot them; `half-closed`: says at once that it will never answer, and reads on; `reset`: closes at once;
 * `reset-mid-request`: when 1,000 bytes of requests were seen; `closed`: does not listen.
 */
export type RelayMode =
  | "forward"
  | "silent"
  | "deaf"
  | "slow"
  | "frozen"
  | "half-closed"
  | "reset"
  | "reset-mid-request"
  | "closed";

/** Stands before a server and spoils its connections below HTTP, on a real socket. */
export interface TcpRelay extends AsyncDisposable {
  readonly port: number;
  /** For connections to come; those that are open keep theirs. */
  setMode(mode: RelayMode): Promise<void>;
  /** What is open now gets `frozen`. */
  freeze(): void;
}

export async function startTcpRelay(target: number, initially: RelayMode = "forward"): Promise<TcpRelay> {
  const sockets = new Set<Socket>();
  let mode = initially;
  const server = createServer({ pauseOnConnect: true }, (client) => {
    const link = { mode };
    if (link.mode === "reset") {
      client.resetAndDestroy();
      return;
    }
    links.add(link);
    if (link.mode === "half-closed") client.end();
    const upstream = connect(target, "127.0.0.1");
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on("error", () => {}); // Ends as `close`.
      from.on("close", () => {
        sockets.delete(from);
        links.delete(link);
        to.destroy();
      });
    }
    if (link.mode !== "deaf") forward(client, upstream, link);
    forward(upstream, client, link);
  });
  const links = new Set<{ mode: RelayMode }>();
  const listen = async (at: number) => {
    server.listen(at, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  };
  const port = await listen(0);
  return {
    port,
    async setMode(next) {
      const [was, isNow] = [mode, next];
      mode = next;
      if (isNow === "closed") await new Promise((resolve) => server.close(resolve));
      if (was === "closed" && isNow !== "closed") await listen(port);
    },
    freeze() {
      for (const link of links) link.mode = "frozen";
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      if (mode !== "closed") await new Promise((resolve) => server.close(resolve));
    },
  };
}

function forward(from: Socket, to: Socket, link: { readonly mode: RelayMode }): void {
  let seen = 0;
  from.on("data", (chunk: Buffer) => {
    seen += chunk.length;
    if (link.mode === "silent" || link.mode === "frozen" || link.mode === "half-closed") return;
    if (link.mode === "reset-mid-request" && seen >= 1_000) from.resetAndDestroy();
    else if (link.mode !== "slow") to.write(chunk);
    else void trickle(from, to, chunk);
  });
  from.on("end", () => to.end());
  from.resume();
}

async function trickle(from: Socket, to: Socket, chunk: Buffer): Promise<void> {
  from.pause();
  for (let start = 0; start < chunk.length; start += 16_384) {
    await wait(2);
    to.write(chunk.subarray(start, start + 16_384));
  }
  from.resume();
}
