import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import { createCollectorClient, findRunningCollector } from "../src/client.ts";
import { ConfigError, openStoreReadOnly, StoreError } from "../src/index.ts";
import { startCollectorProcess } from "./support/collector-process.ts";
import { aCollector, postTraces, temporaryDirectory } from "./support/collectors.ts";
import { newTraceId, protobufOf, someSpans } from "./support/spans.ts";

describe("a collector that is killed", () => {
  test("holds every span that it acknowledged, whenever it dies, and takes repeated ones once", async () => {
    await using directory = await temporaryDirectory();
    const acknowledged = new Set<string>();
    const sent = new Map<string, Buffer>();
    for (const afterAnswers of [2, 20]) {
      await using running = await startCollectorProcess(directory.path);
      const dies = Promise.withResolvers<void>();
      let answers = 0;
      const send = async () => {
        while (answers < afterAnswers + 8) {
          const traceId = newTraceId();
          const body = protobufOf(someSpans(20, { traceId }));
          sent.set(traceId, body);
          const response = await post(running.addresses.otlpHttpUrl, body).catch(() => undefined);
          if (response === undefined) return;
          assert.equal(response.status, 200);
          acknowledged.add(traceId);
          answers += 1;
          if (answers === afterAnswers) dies.resolve(running.kill());
        }
      };
      await Promise.all([dies.promise, ...Array.from({ length: 4 }, send)]);
    }
    assert.ok(acknowledged.size >= 22);

    await using survivor = await startCollectorProcess(directory.path);
    const reader = createCollectorClient({ apiUrl: survivor.addresses.apiUrl ?? "" });
    const stored = async () => {
      const query = "SELECT TraceId, count() FROM otel_traces GROUP BY TraceId";
      const { body } = await reader.sql(query, { format: "JSONCompactEachRow" });
      const lines = Buffer.from(body).toString().trim().split("\n");
      return new Map(lines.map((line) => JSON.parse(line) as [string, string | number]));
    };
    const found = await stored();
    for (const traceId of acknowledged) assert.equal(Number(found.get(traceId)), 20, `spans of ${traceId}`);

    await Promise.all([...sent.values()].map((body) => post(survivor.addresses.otlpHttpUrl, body)));
    for (const [traceId, spans] of await stored()) assert.equal(Number(spans), 20, `spans of ${traceId}`);
    assert.equal(await survivor.stop(), 0);
  });

  test("leaves a data directory that the next one takes over", async () => {
    await using directory = await temporaryDirectory();
    await using first = await startCollectorProcess(directory.path);
    assert.equal((await findRunningCollector(directory.path))?.pid, first.pid);
    await first.kill();
    assert.ok(existsSync(join(directory.path, "collector.json")));
    assert.equal(await findRunningCollector(directory.path), undefined);
    await using second = await aCollector(directory.path);
    assert.equal((await findRunningCollector(directory.path))?.apiUrl, second.apiUrl);
  });
});

describe("a collector that ends", () => {
  test("stores what it took, lets go of the directory and leaves no file behind but the store", async () => {
    await using directory = await temporaryDirectory();
    const collector = await aCollector(directory.path);
    const answers = Array.from({ length: 10 }, () => postTraces(collector, protobufOf(someSpans(5))));
    await answers[0];
    const ended = collector[Symbol.asyncDispose]();
    const statuses = (await Promise.allSettled(answers)).map((outcome) =>
      outcome.status === "fulfilled" ? outcome.value.status : "refused",
    );
    await ended;
    assert.equal(existsSync(join(directory.path, "collector.json")), false);
    await using store = await openStoreReadOnly(directory.path);
    const { body } = await store.sql("SELECT count() FROM otel_traces", { format: "TabSeparated" });
    assert.ok(Number(Buffer.from(body).toString()) >= 5 * statuses.filter((status) => status === 200).length);
  });

  test("may be ended twice", async () => {
    await using directory = await temporaryDirectory();
    const collector = await aCollector(directory.path);
    await Promise.all([collector[Symbol.asyncDispose](), collector[Symbol.asyncDispose]()]);
  });
});

describe("a collector that cannot start says why", () => {
  test("when another holds the data directory", async () => {
    await using directory = await temporaryDirectory();
    await using holder = await startCollectorProcess(directory.path);
    const message = new RegExp(`is held by the collector with process id ${holder.pid}, its query API is http://127`);
    await assert.rejects(
      aCollector(directory.path),
      (error) => error instanceof ConfigError && message.test(error.message),
    );
    await assert.rejects(openStoreReadOnly(directory.path), /ask its query API: http:\/\/127/);
    await writeFile(join(directory.path, "collector.json"), "half a fi");
    await assert.rejects(
      aCollector(directory.path),
      (error) => error instanceof StoreError && /another process may hold them/.test(error.message),
    );
  });

  test("when a port is taken, and lets go of the store again", async () => {
    await using directory = await temporaryDirectory();
    await using taken = await listening();
    const { address } = taken;
    await assert.rejects(
      aCollector(directory.path, { otlpHttp: address }),
      (error) =>
        error instanceof ConfigError &&
        error.message === `otlpHttp: cannot listen on ${address}: another process listens there`,
    );
    await assert.rejects(
      aCollector(directory.path, { otlpGrpc: address }),
      /otlpGrpc: cannot listen on .*another process listens there/,
    );
    await using _collector = await aCollector(directory.path);
  });

  for (const address of ["4318", "localhost", "127.0.0.1:70000", "http://127.0.0.1:1", ""]) {
    test(`when "${address}" is no address`, async () => {
      await assert.rejects(aCollector("/nonexistent", { api: address }), /api: ".*" is no address; expected HOST:PORT/);
    });
  }

  test("when the data directory cannot be made", async () => {
    await using directory = await temporaryDirectory();
    const file = join(directory.path, "file");
    await writeFile(file, "");
    await assert.rejects(
      aCollector(join(file, "data")),
      (error) => error instanceof StoreError && /data directory .* cannot be written \(ENOTDIR\)/.test(error.message),
    );
  });

  test("when there is no store to read", async () => {
    await using directory = await temporaryDirectory();
    await assert.rejects(openStoreReadOnly(directory.path), /no spans are stored in/);
  });
});

describe("the store's retention", () => {
  test("follows its setting from start to start", async () => {
    await using directory = await temporaryDirectory();
    for (const [retentionDays, expected] of [
      [30, /toIntervalDay\(30\)/],
      [7, /toIntervalDay\(7\)/],
      [0, /^(?!.*TTL)/s],
    ] as const) {
      await using collector = await aCollector(directory.path, { retentionDays });
      const reader = createCollectorClient({ apiUrl: collector.apiUrl ?? "" });
      const query = "SELECT create_table_query FROM system.tables WHERE name = 'otel_traces'";
      assert.match(Buffer.from((await reader.sql(query, { format: "TabSeparatedRaw" })).body).toString(), expected);
    }
  });

  test("drops old spans, and keeps young ones", async () => {
    await using directory = await temporaryDirectory();
    await using collector = await aCollector(directory.path, { retentionDays: 2 });
    const reader = createCollectorClient({ apiUrl: collector.apiUrl ?? "" });
    const [old, young] = [newTraceId(), newTraceId()];
    await postTraces(collector, protobufOf(someSpans(2, { traceId: old, startMs: Date.now() - 5 * 86_400_000 })));
    await postTraces(collector, protobufOf(someSpans(2, { traceId: young })));
    assert.equal((await reader.getTrace(young))?.spans.length, 2);
    const until = performance.now() + 5000;
    while ((await reader.getTrace(old)) !== undefined)
      assert.ok(performance.now() < until, "old spans are still there");
  });
});

describe("collector.json", () => {
  test("is ignored when it is none", async () => {
    await using directory = await temporaryDirectory();
    await mkdir(directory.path, { recursive: true });
    for (const text of ["", "{", "[]", '{"pid":"x"}', '{"pid":-1,"startedAt":""}']) {
      await writeFile(join(directory.path, "collector.json"), text);
      assert.equal(await findRunningCollector(directory.path), undefined, text);
    }
  });

  test("tells where the collector listens, to its user alone", async () => {
    await using directory = await temporaryDirectory();
    await using collector = await aCollector(directory.path, { otlpGrpc: false });
    const written = JSON.parse(await readFile(join(directory.path, "collector.json"), "utf8")) as Record<
      string,
      unknown
    >;
    assert.equal(written["pid"], process.pid);
    assert.equal(written["otlpHttpUrl"], collector.otlpHttpUrl);
    assert.equal(written["otlpGrpcUrl"], undefined);
  });
});

function post(url: string | undefined, body: Buffer): Promise<Response> {
  const headers = { "Content-Type": "application/x-protobuf" };
  return fetch(`${url}/v1/traces`, { method: "POST", headers, body: new Uint8Array(body) });
}

async function listening(): Promise<{ address: string } & AsyncDisposable> {
  const server = createServer();
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const bound = server.address();
  return {
    address: `127.0.0.1:${typeof bound === "object" ? bound?.port : ""}`,
    [Symbol.asyncDispose]: () => new Promise((closed) => server.close(() => closed())),
  };
}
