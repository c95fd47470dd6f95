import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, describe, test } from "node:test";
import { deflateSync, gzipSync } from "node:zlib";
import { Client, credentials, type Metadata, type ServiceError } from "@grpc/grpc-js";
import type { Collector } from "../src/index.ts";
import { aCollector, postTraces, temporaryDirectory } from "./support/collectors.ts";
import { aSpan, jsonOf, protobufOf, someSpans } from "./support/spans.ts";

const exportPath = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const protobuf = { "Content-Type": "application/x-protobuf" };
const json = { "Content-Type": "application/json" };
const maxRequestBytes = 100_000;

describe("the OTLP receivers", () => {
  const scope = new AsyncDisposableStack();
  let collector: Collector;
  before(async () => {
    const { path } = scope.use(await temporaryDirectory());
    collector = scope.use(await aCollector(path, { maxRequestBytes, maxPendingBytes: 300_000 }));
  });
  after(() => scope.disposeAsync());

  const small = protobufOf([aSpan()]);
  const large = protobufOf(someSpans(1000));
  const cases: { name: string; body: Buffer; headers: Record<string, string>; status: number; says: RegExp }[] = [
    { name: "takes protobuf", body: small, headers: protobuf, status: 200, says: /^$/ },
    {
      name: "takes JSON with a charset",
      body: jsonOf([aSpan()]),
      headers: { "Content-Type": "application/json; charset=utf-8" },
      status: 200,
      says: /^\{\}$/,
    },
    {
      name: "takes gzip",
      body: gzipSync(small),
      headers: { ...protobuf, "Content-Encoding": "gzip" },
      status: 200,
      says: /^$/,
    },
    { name: "takes an empty request", body: Buffer.alloc(0), headers: protobuf, status: 200, says: /^$/ },
    {
      name: "refuses broken protobuf",
      body: small.subarray(0, small.length - 5),
      headers: protobuf,
      status: 400,
      says: /protobuf/,
    },
    {
      name: "refuses broken JSON",
      body: Buffer.from("{"),
      headers: json,
      status: 400,
      says: /"message":"the body is not JSON"/,
    },
    {
      name: "refuses gzip that is none",
      body: small,
      headers: { ...protobuf, "Content-Encoding": "gzip" },
      status: 400,
      says: /not gzip/,
    },
    {
      name: "refuses another type",
      body: small,
      headers: { "Content-Type": "text/plain" },
      status: 415,
      says: /text\/plain.*application\/x-protobuf/,
    },
    {
      name: "refuses another encoding",
      body: deflateSync(small),
      headers: { ...protobuf, "Content-Encoding": "deflate" },
      status: 415,
      says: /deflate/,
    },
    {
      name: "refuses what is too large as sent",
      body: large,
      headers: protobuf,
      status: 413,
      says: /larger than 100000 bytes/,
    },
    {
      name: "refuses what inflates too large",
      body: gzipSync(Buffer.alloc(50_000_000)),
      headers: { ...protobuf, "Content-Encoding": "gzip" },
      status: 413,
      says: /inflated/,
    },
  ];
  for (const { name, body, headers, status, says } of cases) {
    test(`over HTTP ${name}: ${status}`, async () => {
      const response = await postTraces(collector, body, headers);
      assert.equal(response.status, status);
      assert.match(await response.text(), says);
      assert.equal(collector.stats().pendingBytes, 0);
    });
  }

  test("over HTTP say what is elsewhere, and what is not allowed", async () => {
    const elsewhere = await fetch(`${collector.otlpHttpUrl}/v1/metrics`, { method: "POST", headers: json, body: "{}" });
    assert.equal(elsewhere.status, 404);
    assert.match(await elsewhere.text(), /collector of spans/);
    const get = await fetch(`${collector.otlpHttpUrl}/v1/traces`);
    assert.equal(get.status, 405);
    assert.equal(get.headers.get("Allow"), "POST");
  });

  test("over HTTP ask to come back, and hold no more, once too much is pending", async () => {
    const holding = [await hold(90_000), await hold(90_000), await hold(90_000), await hold(29_990)];
    const refused = await postTraces(collector, small);
    assert.equal(refused.status, 429);
    assert.equal(refused.headers.get("Retry-After"), "1");
    assert.ok(collector.stats().pendingBytes <= 300_000);
    for (const { close } of holding) await close();
    await eventually(() => collector.stats().pendingBytes === 0);
    assert.equal((await postTraces(collector, small)).status, 200);
  });

  test("over gRPC refuse broken and too large requests with their codes", async () => {
    assert.equal((await callGrpc(small.subarray(0, small.length - 5)))?.code, 3);
    assert.equal((await callGrpc(large))?.code, 8);
    assert.equal(await callGrpc(small), undefined);
  });

  test("over gRPC ask to come back with RetryInfo once too much is pending", async () => {
    const holding = [await hold(90_000), await hold(90_000), await hold(90_000)];
    const error = await callGrpc(protobufOf(someSpans(300)));
    assert.equal(error?.code, 8);
    const details = error.metadata.get("grpc-status-details-bin")[0] as Buffer;
    assert.ok(details.includes("type.googleapis.com/google.rpc.RetryInfo"));
    assert.ok(details.subarray(-4).equals(Buffer.from([0x0a, 0x02, 0x08, 0x01])), "retry_delay is 1 s");
    for (const { close } of holding) await close();
  });

  /** A request of which so many bytes were read, and which waits for its last ones. */
  async function hold(bytes: number): Promise<{ close: () => Promise<void> }> {
    const held = collector.stats().pendingBytes;
    const headers = { ...protobuf, "Content-Length": bytes + 10 };
    const sent = request(`${collector.otlpHttpUrl}/v1/traces`, { method: "POST", headers });
    sent.on("error", () => {});
    sent.write(Buffer.alloc(bytes));
    await eventually(() => collector.stats().pendingBytes === held + bytes);
    return {
      async close() {
        const closed = new Promise((resolve) => sent.once("close", resolve));
        sent.destroy();
        await closed;
      },
    };
  }

  async function callGrpc(message: Buffer): Promise<(ServiceError & { metadata: Metadata }) | undefined> {
    const client = new Client(collector.otlpGrpcUrl?.replace("grpc://", "") ?? "", credentials.createInsecure());
    const pass = (bytes: Buffer) => bytes;
    try {
      return await new Promise((resolve) => {
        client.makeUnaryRequest(exportPath, pass, pass, message, (error) => resolve(error ?? undefined));
      });
    } finally {
      client.close();
    }
  }
});

/** For what another process or socket does and tells nobody: looks at each turn of the event loop, for 5 s. */
async function eventually(holds: () => boolean): Promise<void> {
  const until = performance.now() + 5000;
  while (!holds()) {
    assert.ok(performance.now() < until, "it did not come true within 5 s");
    await new Promise(setImmediate);
  }
}
