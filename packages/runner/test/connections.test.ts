import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { test } from "node:test";
import { createCoordinatorClient } from "../src/coordinator-client/create-coordinator-client.ts";
import { Connections } from "../src/coordinator-client/http/connections.ts";
import { aRunner } from "./support/a-runner.ts";
import { startScriptableCoordinator } from "./support/scriptable-coordinator.ts";

const noProxy = { httpProxy: "", httpsProxy: "", noProxy: "" };
const tls = { caFile: undefined, certFile: undefined, keyFile: undefined };
const { signal } = new AbortController();
const target = new URL("http://coordinator.invalid");

test("connections are renewed when they reach their age, and never when that is 0", async () => {
  await using aging = new Connections({ tls, proxy: noProxy, connectionMaxAgeMs: 0.001 });
  const first = aging.current(target);
  await new Promise(setImmediate);
  assert.notEqual(aging.current(target), first);
  await using lasting = new Connections({ tls, proxy: noProxy, connectionMaxAgeMs: 0 });
  assert.equal(lasting.current(target), lasting.current(target));
});

test("calls share kept-alive connections", async () => {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(204).end();
  });
  let connections = 0;
  server.on("connection", () => {
    connections += 1;
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const runner = aRunner(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const client = createCoordinatorClient({ runner, systemId: "s", proxy: noProxy, connectionMaxAgeMs: 900_000 });
  for (let count = 0; count < 20; count += 1) await client.requestJob({ signal });
  await client[Symbol.asyncDispose]();
  server.close();
  await once(server, "close");
  // The next call may begin while the connection of the last one is still being put back.
  assert.ok(connections <= 2, `${connections} connections for 20 calls`);
});

test("calls go through the proxy of the environment, but not to loopback and hosts of no_proxy", async () => {
  await using coordinator = await startScriptableCoordinator();
  const { port } = new URL(coordinator.url);
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const proxy = createServer();
  // Whatever name it is asked for is the coordinator.
  proxy.on("connect", (request, socket: Socket) => {
    asked.push(request.url ?? "");
    const upstream = connect(Number(port), "127.0.0.1");
    sockets.add(socket).add(upstream);
    socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
    socket.pipe(upstream).pipe(socket);
  });
  proxy.on("request", (request, response) => {
    // A plain forward: an absolute address in the request line.
    asked.push(new URL(request.url ?? "").host);
    request.resume();
    response.writeHead(204).end();
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const httpProxy = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const requestJob = async (host: string, noProxy: string) => {
    await using client = createCoordinatorClient({
      runner: aRunner(`http://${host}:${port}`),
      systemId: "s",
      proxy: { httpProxy, httpsProxy: "", noProxy },
      connectionMaxAgeMs: 900_000,
    });
    return (await client.requestJob({ signal })).kind;
  };
  try {
    assert.equal(await requestJob("127.0.0.1", ""), "no-job");
    assert.equal(await requestJob("localhost", ""), "no-job");
    await assert.rejects(requestJob("coordinator.invalid", "invalid"), /coordinator\.invalid/);
    assert.deepEqual(asked, []);
    assert.equal(await requestJob("coordinator.invalid", ""), "no-job");
    assert.deepEqual(asked, [`coordinator.invalid:${port}`]);
  } finally {
    for (const socket of sockets) socket.destroy();
    proxy.closeAllConnections();
    proxy.close();
    await once(proxy, "close");
  }
});
