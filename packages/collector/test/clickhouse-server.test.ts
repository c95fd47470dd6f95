import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createCollectorClient } from "../src/client.ts";
import { ConfigError, StoreError } from "../src/index.ts";
import { startClickHouseServer } from "./support/clickhouse-server.ts";
import { aCollector, postTraces, temporaryDirectory } from "./support/collectors.ts";
import { newTraceId, protobufOf, someSpans } from "./support/spans.ts";

describe("a collector before a ClickHouse server", () => {
  test("stores and reads as the embedded one does, and only reads for queries", async () => {
    await using directory = await temporaryDirectory();
    await using server = await startClickHouseServer(directory.path);
    await using collector = await aCollector("", { store: { kind: "server", url: server.url } });
    const reader = createCollectorClient({ apiUrl: collector.apiUrl ?? "" });
    const traceId = newTraceId();
    const attributes = { "ci.job.id": 12, "ci.project.id": 1, "ci.pipeline.id": "3" };
    const spans = someSpans(10, { traceId, name: "größe", attributes });
    assert.equal((await postTraces(collector, protobufOf(spans))).status, 200);
    const trace = await reader.getTrace(traceId);
    assert.equal(trace?.spans.length, 10);
    assert.equal(trace.spans[0]?.name, "größe");
    assert.equal((await reader.getJobTrace("12"))?.spans.length, 10);
    assert.equal((await reader.listPipelines())[0]?.pipelineId, "3");
    const { body } = await reader.sql("SELECT count() FROM otel_traces FORMAT CSV");
    assert.equal(Buffer.from(body).toString(), "10\n");
    await assert.rejects(reader.sql("DROP TABLE otel_traces"), { code: "read-only" });
    await assert.rejects(reader.sql("SELECT file('/etc/passwd')"), { code: "read-only" });
  });

  test("asks senders to come back while the server cannot keep up", async () => {
    await using directory = await temporaryDirectory();
    await using server = await startClickHouseServer(directory.path);
    await using collector = await aCollector("", { store: { kind: "server", url: server.url } });
    const spans = protobufOf(someSpans(3));
    server.isOverloaded = true;
    const refused = await postTraces(collector, spans);
    assert.equal(refused.status, 503);
    assert.equal(refused.headers.get("Retry-After"), "1");
    server.isOverloaded = false;
    assert.equal((await postTraces(collector, spans)).status, 200);
    assert.equal(collector.stats().storedSpans, 3);
  });

  test("refuses for good what no insert can hold, and stores what others sent with it", async () => {
    await using directory = await temporaryDirectory();
    await using server = await startClickHouseServer(directory.path);
    await using collector = await aCollector("", { store: { kind: "server", url: server.url } });
    const day = 86_400_000;
    const scattered = Array.from({ length: 150 }, (_, i) => someSpans(1, { startMs: Date.now() - i * day })).flat();
    const [first, bad, good] = await Promise.all(
      [someSpans(1), scattered, someSpans(2)].map((spans) => postTraces(collector, protobufOf(spans))),
    );
    assert.deepEqual([first?.status, bad?.status, good?.status], [200, 400, 200]);
    assert.match((await bad?.text()) ?? "", /too many days/);
  });

  test("says when the URL is none, or nobody answers there", async () => {
    const start = (url: string) => aCollector("", { store: { kind: "server", url } });
    await assert.rejects(
      start("db:8123"),
      (error) => error instanceof ConfigError && /store\.url: is no ClickHouse URL/.test(error.message),
    );
    await assert.rejects(
      start("http://127.0.0.1:1/default"),
      (error) =>
        error instanceof StoreError && error.message === "open store: the store does not answer (ECONNREFUSED)",
    );
  });
});
