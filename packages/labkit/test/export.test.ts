import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setInterval } from "node:timers/promises";
import {
  createEndpointPool,
  createSpanProcessor,
  type EndpointLimits,
  type EndpointSpec,
  silentLog,
} from "@jobscope/labkit";
import { TracerProvider } from "@opentelemetry/sdk-trace";
import { startOtlpReceiver } from "./support/otlp-receiver.ts";
import { aSpan, someSpans } from "./support/spans.ts";

const quick: Partial<EndpointLimits> = { coalesceMs: 10, initialBackoffMs: 10, maxBackoffMs: 50, shutdownFlushMs: 0 };
const inTime = () => ({ signal: AbortSignal.timeout(10_000) });

for (const protocol of ["http", "grpc"] as const) {
  /** HTTP's status, or the gRPC code that means the same. */
  const status = (http: number, grpc: number) => (protocol === "http" ? http : grpc);

  describe(`exporting over ${protocol}`, () => {
    test("spans arrive as they are, in few requests over one connection", async () => {
      await using receiver = await startOtlpReceiver({ protocol });
      await using pool = createEndpointPool({ log: silentLog, limits: quick });
      const endpoint = pool.endpoint({ url: receiver.url });
      endpoint.enqueue(aSpan(1, { name: "get_sources", attributes: { "ci.job.id": 7, "ci.runner.tags": ["a"] } }));
      for (const span of someSpans(50)) endpoint.enqueue(span);
      assert.deepEqual(await endpoint.flush(inTime()), { kind: "flushed" });
      endpoint.enqueue(aSpan(99));
      await endpoint.flush(inTime());

      const first = receiver.spans[0];
      assert.equal(first?.name, "get_sources");
      assert.equal(first?.traceId, "0af7651916cd43dd8448eb211c80319c");
      assert.equal(first?.spanId, "0000000000000002");
      assert.equal(first?.startUnixNano, 1_780_000_000_000_000_001n);
      assert.deepEqual(first?.attributes, { "ci.job.id": 7, "ci.runner.tags": ["a"] });
      assert.deepEqual(first?.resource, { "service.name": "labkit-test" });
      assert.equal(receiver.spans.length, 52);
      assert.equal(receiver.requests.length, 2);
      assert.equal(receiver.connections, 1);
      assert.partialDeepStrictEqual(endpoint.stats(), {
        exportedSpans: 52,
        queuedSpans: 0,
        inFlightSpans: 0,
        breaker: "closed",
      });
      assert.equal(endpoint.stats().latency.count, 2);
    });

    test("a span is on the wire within 250 ms, also while earlier requests wait for their answers", async () => {
      await using receiver = await startOtlpReceiver({ protocol });
      receiver.next({ kind: "hang" }, { kind: "hang" });
      await using pool = createEndpointPool({ log: silentLog, limits: { shutdownFlushMs: 0 } });
      const endpoint = pool.endpoint({ url: receiver.url });
      for (const number of [1, 2, 3]) {
        const enqueuedAtMs = performance.now();
        endpoint.enqueue(aSpan(number));
        await receiver.waitFor(() => receiver.requests.length === number);
        const tookMs = (receiver.requests.at(-1)?.atMs ?? 0) - enqueuedAtMs;
        assert.ok(tookMs < 250, `took ${tookMs} ms`);
      }
    });

    test("a full request does not wait for the coalescing window", async () => {
      await using receiver = await startOtlpReceiver({ protocol });
      const limits = { ...quick, coalesceMs: 3_600_000, maxBatchSpans: 10 };
      await using pool = createEndpointPool({ log: silentLog, limits });
      for (const span of someSpans(25)) pool.endpoint({ url: receiver.url }).enqueue(span);
      await receiver.waitFor(() => receiver.spans.length === 20);
      assert.equal(pool.endpoint({ url: receiver.url }).stats().queuedSpans, 5);
    });

    test("gzip is used when asked for", async () => {
      await using receiver = await startOtlpReceiver({ protocol });
      await using pool = createEndpointPool({ log: silentLog, limits: quick });
      const endpoint = pool.endpoint({ url: receiver.url, compression: "gzip" });
      for (const span of someSpans(100)) endpoint.enqueue(span);
      await endpoint.flush(inTime());
      assert.equal(receiver.requests[0]?.isCompressed, true);
      assert.equal(receiver.spans.length, 100);
    });

    test("after 401 spans are dropped and counted until the pause is over", async () => {
      await using receiver = await startOtlpReceiver({ protocol });
      receiver.next({ kind: "status", status: status(401, 16) });
      await using pool = createEndpointPool({ log: silentLog, limits: { ...quick, unauthorizedPauseMs: 50 } });
      const endpoint = pool.endpoint({ url: receiver.url });
      endpoint.enqueue(aSpan(1));
      await endpoint.flush(inTime());
      endpoint.enqueue(aSpan(2));
      assert.partialDeepStrictEqual(endpoint.stats(), { droppedSpans: { unauthorized: 2 }, breaker: "unauthorized" });
      while (receiver.spans.length === 0) {
        endpoint.enqueue(aSpan(3));
        await endpoint.flush(inTime());
      }
      assert.equal(endpoint.stats().breaker, "closed");
    });

    test("a request that is too large is sent in parts", async () => {
      await using receiver = await startOtlpReceiver({ protocol });
      receiver.always({ kind: "size-limit", maxBytes: 2_000 });
      await using pool = createEndpointPool({ log: silentLog, limits: quick });
      const endpoint = pool.endpoint({ url: receiver.url });
      for (const span of someSpans(100)) endpoint.enqueue(span);
      endpoint.enqueue(aSpan(100, { attributes: { large: "x".repeat(3_000) } }));
      await endpoint.flush(inTime());
      assert.equal(new Set(receiver.spans.map(({ spanId }) => spanId)).size, 100);
      assert.partialDeepStrictEqual(endpoint.stats(), { exportedSpans: 100, droppedSpans: { refused: 1 } });
    });

    test("an endpoint that asks for patience gets it, within bounds", async () => {
      await using receiver = await startOtlpReceiver({ protocol });
      receiver.next({ kind: "status", status: status(503, 14), retryAfterMs: 60_000 });
      await using pool = createEndpointPool({ log: silentLog, limits: { ...quick, maxRetryAfterMs: 300 } });
      const endpoint = pool.endpoint({ url: receiver.url });
      endpoint.enqueue(aSpan(1));
      await endpoint.flush(inTime());
      const [first, second] = receiver.requests;
      const waitedMs = (second?.atMs ?? 0) - (first?.atMs ?? 0);
      assert.ok(waitedMs >= 290 && waitedMs < 10_000, `waited ${waitedMs} ms`);
    });

    test("a dead endpoint does not slow another one", async () => {
      await using dead = await startOtlpReceiver({ protocol });
      dead.always({ kind: "hang" });
      await using alive = await startOtlpReceiver({ protocol });
      await using pool = createEndpointPool({ log: silentLog, limits: quick });
      const startedAtMs = performance.now();
      for (const url of [dead.url, alive.url]) pool.endpoint({ url }).enqueue(aSpan(1));
      await alive.waitFor(() => alive.spans.length === 1);
      assert.ok(performance.now() - startedAtMs < 250);
    });

    test("an endpoint that answers in 200 ms takes 1,000 spans a second from 50 jobs without a growing queue", async () => {
      await using receiver = await startOtlpReceiver({ protocol });
      receiver.always({ kind: "accept", delayMs: 200 });
      await using pool = createEndpointPool({ log: silentLog, limits: { shutdownFlushMs: 0 } });
      const endpoint = pool.endpoint({ url: receiver.url });
      const jobs = Array.from({ length: 50 }, () => {
        const provider = new TracerProvider({
          spanProcessors: [createSpanProcessor([pool.endpoint({ url: receiver.url })])],
        });
        return provider.getTracer("job");
      });
      let mostQueued = 0;
      let sent = 0;
      for await (const _ of setInterval(50, undefined)) {
        for (const job of jobs) job.startSpan(`span ${sent++}`).end();
        mostQueued = Math.max(mostQueued, endpoint.stats().queuedSpans);
        if (sent === 1_000) break;
      }
      await endpoint.flush(inTime());
      assert.equal(new Set(receiver.spans.map(({ spanId }) => spanId)).size, 1_000);
      assert.ok(
        receiver.connections <= (protocol === "grpc" ? 1 : 4),
        `${receiver.connections} connections for all jobs`,
      );
      assert.ok(mostQueued <= 400, `${mostQueued} spans were queued`);
      assert.equal(lost(endpoint.stats().droppedSpans), 0);
    });

    test("a full queue keeps the spans of high priority, and counts the others", async () => {
      await using receiver = await startOtlpReceiver({ protocol });
      receiver.always({ kind: "status", status: status(503, 14) });
      const limits = {
        ...quick,
        maxBatchSpans: 1,
        maxConcurrentRequests: 1,
      };
      await using pool = createEndpointPool({
        log: silentLog,
        limits,
        priorityOf: (span) => (span.name === "job_execution" ? 3 : 1),
      });
      const endpoint = pool.endpoint({ url: receiver.url, queue: { maxSpans: 10 } });
      endpoint.enqueue(aSpan(0));
      await receiver.waitFor(() => receiver.requests.length === 1);
      for (let number = 1; number <= 20; number++) endpoint.enqueue(aSpan(number));
      endpoint.enqueue(aSpan(21, { name: "job_execution" }));
      assert.partialDeepStrictEqual(endpoint.stats(), { queuedSpans: 10, droppedSpans: { queue_full: 11 } });
      receiver.always({ kind: "accept" });
      await endpoint.flush(inTime());
      const names = receiver.spans.map(({ name }) => name);
      assert.deepEqual(names, [...Array.from({ length: 10 }, (_, number) => `span ${number}`), "job_execution"]);
    });

    test("disposing is bounded, counts what is unsent and refuses later spans", async () => {
      await using receiver = await startOtlpReceiver({ protocol });
      receiver.always({ kind: "hang" });
      const pool = createEndpointPool({ log: silentLog, limits: { ...quick, shutdownFlushMs: 50 } });
      const endpoint = pool.endpoint({ url: receiver.url });
      for (const span of someSpans(3)) endpoint.enqueue(span);
      const startedAtMs = performance.now();
      await pool[Symbol.asyncDispose]();
      assert.ok(performance.now() - startedAtMs < 1_000);
      endpoint.enqueue(aSpan(9));
      assert.partialDeepStrictEqual(endpoint.stats(), {
        droppedSpans: { shutdown: 4 },
        queuedSpans: 0,
        inFlightSpans: 0,
      });
    });

    test("a fixed bearer token and header fields are sent with every request", async () => {
      await using receiver = await startOtlpReceiver({ protocol });
      await using pool = createEndpointPool({ log: silentLog, limits: quick, env: { TOKEN: "from-env" } });
      const specs: EndpointSpec[] = [
        { url: receiver.url, auth: { kind: "bearer", token: "abc" }, headers: { "X-Scope": "ci" } },
        { url: receiver.url, auth: { kind: "bearer-env", variable: "TOKEN" } },
        { url: receiver.url, auth: { kind: "headers", headers: { "X-Api-Key": "key" } } },
      ];
      for (const spec of specs) pool.endpoint(spec).enqueue(aSpan(1));
      await pool.flush(inTime());
      const sent = receiver.requests.map(({ headers }) => [
        headers["authorization"],
        headers["x-api-key"],
        headers["x-scope"],
      ]);
      assert.deepEqual(
        sent.sort(),
        [
          ["Bearer abc", undefined, "ci"],
          ["Bearer from-env", undefined, undefined],
          [undefined, "key", undefined],
        ].sort(),
      );
    });
  });
}

describe("an endpoint pool", () => {
  test("gives the same endpoint for the same spec, and another for other credentials", async () => {
    await using pool = createEndpointPool({ log: silentLog, limits: quick });
    const a = pool.endpoint({ url: "http://127.0.0.1:1", auth: { kind: "bearer", token: "a" } });
    assert.equal(pool.endpoint({ auth: { token: "a", kind: "bearer" }, url: "http://127.0.0.1:1" }), a);
    assert.notEqual(pool.endpoint({ url: "http://127.0.0.1:1", auth: { kind: "bearer", token: "b" } }), a);
  });

  test("refuses a spec that cannot be used", async () => {
    await using pool = createEndpointPool({ log: silentLog, limits: quick });
    assert.throws(() => pool.endpoint({ url: "ftp://h" }), { name: "EndpointSpecError" });
  });

  test("lets idle endpoints go for others, and neither their counters nor what they are given later is lost", async () => {
    await using receiver = await startOtlpReceiver();
    await using pool = createEndpointPool({ log: silentLog, limits: { ...quick, maxEndpoints: 2 } });
    const bearer = (token: string): EndpointSpec => ({ url: receiver.url, auth: { kind: "bearer", token } });
    const first = pool.endpoint(bearer("0"));
    for (let round = 0; round < 10; round++) {
      pool.endpoint(bearer(String(round))).enqueue(aSpan(round));
      await pool.flush(inTime());
    }
    first.enqueue(aSpan(10));
    await pool.flush(inTime());
    assert.equal(receiver.requests.at(-1)?.headers["authorization"], "Bearer 0");
    assert.equal(first.stats().exportedSpans, 2);
    const [stats, ...more] = pool.stats();
    assert.equal(more.length, 0);
    assert.partialDeepStrictEqual(stats, { exportedSpans: 11, breaker: "closed" });
    assert.equal(stats?.latency.count, 11);
  });

  test("counts a span for which all endpoints were busy", async () => {
    await using receiver = await startOtlpReceiver();
    await using pool = createEndpointPool({ log: silentLog, limits: { ...quick, maxEndpoints: 1 } });
    const first = pool.endpoint({ url: receiver.url });
    receiver.always({ kind: "hang" });
    pool.endpoint({ url: receiver.url, timeoutMs: 60_000 }).enqueue(aSpan(1));
    first.enqueue(aSpan(2));
    assert.equal(first.stats().droppedSpans.queue_full, 1);
    assert.partialDeepStrictEqual(pool.stats()[0], { droppedSpans: { queue_full: 1 }, queuedSpans: 1 });
    assert.throws(() => pool.endpoint({ url: receiver.url }), { name: "EndpointSpecError", message: /busy/ });
  });

  test("tells the operator of the first failure and of the recovery, not of every attempt", async () => {
    await using receiver = await startOtlpReceiver();
    receiver.next(...Array.from({ length: 4 }, () => ({ kind: "status", status: 503 }) as const));
    const messages: string[] = [];
    const note = (message: string) => void messages.push(message);
    const log = { debug: note, info: note, warn: note, error: note, child: () => log };
    await using pool = createEndpointPool({ log, limits: quick });
    pool.endpoint({ url: receiver.url }).enqueue(aSpan(1));
    await pool.flush(inTime());
    assert.deepEqual(messages, ["telemetry export failed, trying again", "telemetry export works again"]);
  });

  test("never throws into the code that ends a span", async () => {
    await using pool = createEndpointPool({
      log: silentLog,
      limits: quick,
      priorityOf: () => {
        throw new Error("a bug");
      },
    });
    const endpoint = pool.endpoint({ url: "http://127.0.0.1:1" });
    endpoint.enqueue(aSpan(1));
    assert.equal(endpoint.stats().droppedSpans.unencodable, 1);
  });

  test("one span that cannot be encoded does not take the others with it", async () => {
    await using receiver = await startOtlpReceiver();
    await using pool = createEndpointPool({ log: silentLog, limits: quick });
    const endpoint = pool.endpoint({ url: receiver.url });
    const broken = {
      ...aSpan(2),
      spanContext: () => {
        throw new Error("no context");
      },
    };
    for (const span of [aSpan(1), broken, aSpan(3)]) endpoint.enqueue(span);
    await endpoint.flush(inTime());
    assert.partialDeepStrictEqual(endpoint.stats(), { exportedSpans: 2, droppedSpans: { unencodable: 1 } });
  });
});

function lost(dropped: Readonly<Record<string, number>>): number {
  return Object.values(dropped).reduce((sum, count) => sum + count, 0);
}
