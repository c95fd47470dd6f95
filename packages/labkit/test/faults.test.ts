import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import {
  createEndpointPool,
  type DropReason,
  type EndpointLimits,
  type EndpointStats,
  silentLog,
  type TelemetryEndpoint,
} from "@jobscope/labkit";
import { makeCertificates, type TestCertificates } from "./support/certificates.ts";
import { endpointFaults, startFaultyEndpoint } from "./support/endpoint-faults.ts";
import { type OtlpReceiver, startOtlpReceiver } from "./support/otlp-receiver.ts";
import { aSpan } from "./support/spans.ts";
import { startTcpRelay } from "./support/tcp-relay.ts";

/** A queue that is full soon, and waits that are over soon. */
const limits: Partial<EndpointLimits> = {
  maxQueuedSpans: 200,
  maxBatchSpans: 50,
  coalesceMs: 5,
  initialBackoffMs: 5,
  maxBackoffMs: 20,
  maxRetryAfterMs: 50,
  unauthorizedPauseMs: 50,
  shutdownFlushMs: 0,
};

let certificates: TestCertificates;
let tokenFile: string;

/** So many bytes a gRPC server takes in one message by default; for the fault that is about it, spans are large. */
const maxBytes = 4 * 1024 * 1024;
const largeSpans = { maxBatchBytes: 16 * 1024 * 1024, maxQueuedBytes: 8 * 1024 * 1024 };

describe("an endpoint in trouble: each span is stored once or counted as dropped", { concurrency: 4 }, () => {
  const cleanUp = new AsyncDisposableStack();
  before(async () => {
    const folder = await mkdtemp(join(tmpdir(), "labkit-faults-"));
    cleanUp.defer(() => rm(folder, { recursive: true }));
    certificates = await makeCertificates(folder);
    tokenFile = join(folder, "token");
    await writeFile(tokenFile, "token");
  });
  after(() => cleanUp.disposeAsync());

  for (const protocol of ["http", "grpc"] as const) {
    for (const fault of endpointFaults) {
      test(`${protocol}: ${fault.name}`, async () => {
        await using faulty = await startFaultyEndpoint(fault, { protocol, certificates, maxBytes });
        const { receiver } = faulty;
        const bounds = { ...limits, ...(fault.limitsSize ? largeSpans : {}) };
        const pool = createEndpointPool({ log: silentLog, limits: bounds });
        const endpoint = pool.endpoint({
          url: faulty.url,
          timeoutMs: fault.timesOut ? 300 : 10_000,
          ...(fault.needsToken ? { auth: { kind: "bearer-file", path: tokenFile } } : {}),
        });
        const spans = new SpanSupply(endpoint, bounds, fault.limitsSize ? 100_000 : 100);

        spans.enqueue(100);
        await until(() =>
          fault.why === undefined ? endpoint.stats().exportedSpans > 0 : endpoint.stats().lastFailure !== undefined,
        );
        assert.match(endpoint.stats().lastFailure?.why ?? "", fault.why ?? /^/);
        spans.enqueue(400);
        await faulty.recover();
        if (fault.end !== undefined) await untilStored(spans, receiver);
        await pool[Symbol.asyncDispose]();

        const stored = new Set(receiver.spans.map(({ spanId }) => spanId));
        if (!fault.timesOut) assert.equal(stored.size, receiver.spans.length, "no span is stored twice");
        const { droppedSpans } = endpoint.stats();
        const reasons = Object.keys(droppedSpans).filter((reason) => droppedSpans[reason as DropReason] > 0);
        assert.equal(stored.size + sum(droppedSpans), spans.count, "no span is neither stored nor counted");
        assert.deepEqual(
          reasons.filter((reason) => reason !== "queue_full"),
          fault.losses,
        );
        assert.equal(stored.size, endpoint.stats().exportedSpans);
      });
    }

    test(`${protocol}: a connection that was used and then forgotten on the way is given up for another`, async () => {
      await using receiver = await startOtlpReceiver({ protocol });
      await using relay = await startTcpRelay(receiver.port);
      await using pool = createEndpointPool({ log: silentLog, limits });
      const endpoint = pool.endpoint({ url: `${protocol}://127.0.0.1:${relay.port}`, timeoutMs: 100 });
      const spans = new SpanSupply(endpoint, limits, 100);
      spans.enqueue(1);
      await endpoint.flush({ signal: AbortSignal.timeout(5_000) });
      relay.freeze();
      spans.enqueue(20);
      await endpoint.flush({ signal: AbortSignal.timeout(5_000) });
      assert.equal(new Set(receiver.spans.map(({ spanId }) => spanId)).size, 21);
      assert.equal(endpoint.stats().exportedSpans, 21);
    });

    test(`${protocol}: one that dies and comes back gets every span`, async () => {
      const first = await startOtlpReceiver({ protocol });
      await using pool = createEndpointPool({ log: silentLog, limits });
      const endpoint = pool.endpoint({ url: first.url });
      const spans = new SpanSupply(endpoint, limits, 100);
      spans.enqueue(10);
      await endpoint.flush({ signal: AbortSignal.timeout(5_000) });
      await first[Symbol.asyncDispose]();
      spans.enqueue(10);
      await until(() => endpoint.stats().lastFailure !== undefined);
      await using second = await startOtlpReceiver({ protocol, port: first.port });
      spans.enqueue(10);
      await endpoint.flush({ signal: AbortSignal.timeout(5_000) });
      assert.deepEqual([first.spans.length, second.spans.length], [10, 20]);
    });
  }
});

/** Enqueues spans, each of its own id, and looks at every bound meanwhile. */
class SpanSupply {
  count = 0;
  readonly #endpoint: TelemetryEndpoint;
  readonly #limits: Partial<EndpointLimits>;
  readonly #padding: string;

  constructor(endpoint: TelemetryEndpoint, bounds: Partial<EndpointLimits>, spanBytes: number) {
    this.#endpoint = endpoint;
    this.#limits = bounds;
    this.#padding = "x".repeat(spanBytes);
  }

  async flush(): Promise<void> {
    await this.#endpoint.flush({ signal: AbortSignal.timeout(5_000) });
  }

  enqueue(count: number): void {
    const startedAtMs = performance.now();
    for (let more = 0; more < count; more++) {
      this.#endpoint.enqueue(aSpan(this.count++, { attributes: { padding: this.#padding } }));
      assertBounded(this.#endpoint.stats(), this.#limits);
    }
    const tookMs = performance.now() - startedAtMs;
    assert.ok(tookMs < 250, `enqueueing took ${tookMs} ms`);
  }
}

function assertBounded(stats: EndpointStats, bounds: Partial<EndpointLimits>): void {
  assert.ok(stats.queuedSpans <= (bounds.maxQueuedSpans ?? 0), `${stats.queuedSpans} spans are queued`);
  assert.ok(stats.queuedBytes <= (bounds.maxQueuedBytes ?? Number.POSITIVE_INFINITY), `${stats.queuedBytes} bytes are`);
  assert.ok(stats.inFlightSpans <= 4 * (bounds.maxBatchSpans ?? 0), `${stats.inFlightSpans} spans are under way`);
}

/** Enqueues a span at a time until one is stored: the endpoint is back, and nothing is left of the trouble. */
async function untilStored(spans: SpanSupply, receiver: OtlpReceiver): Promise<void> {
  await until(async () => {
    spans.enqueue(1);
    const last = aSpan(spans.count - 1).spanContext().spanId;
    await spans.flush();
    return receiver.spans.some(({ spanId }) => spanId === last);
  });
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const signal = AbortSignal.timeout(10_000);
  while (!(await condition())) {
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
