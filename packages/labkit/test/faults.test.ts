import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import {
  createEndpointPool,
  type DropReason,
  type EndpointLimits,
  type EndpointSpec,
  type EndpointStats,
  silentLog,
  type TelemetryEndpoint,
} from "@jobscope/labkit";
import { makeCertificates, type TestCertificates } from "./support/certificates.ts";
import { type Behaviour, type OtlpReceiver, startOtlpReceiver } from "./support/otlp-receiver.ts";
import { aSpan } from "./support/spans.ts";
import { type RelayMode, startTcpRelay, type TcpRelay } from "./support/tcp-relay.ts";

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

/** An endpoint in trouble: a receiver that can misbehave behind a relay that can spoil its connections. */
interface Setting {
  readonly receiver: OtlpReceiver;
  readonly relay: TcpRelay;
  readonly protocol: "http" | "grpc";
  readonly url: string;
}

interface Fault {
  readonly name: string;
  /** Begins the trouble. */
  readonly begin: (setting: Setting) => Promise<void> | void;
  /** Ends it; undefined when it cannot end. */
  readonly end: ((setting: Setting) => Promise<void> | void) | undefined;
  /** What counts the spans of that time that are not stored, besides `queue_full`. Empty: none of them is lost. */
  readonly losses: readonly DropReason[];
  /** What the stats say about it; undefined when it is no failure. */
  readonly why: RegExp | undefined;
  readonly spec?: (setting: Setting) => Partial<EndpointSpec>;
  readonly limits?: Partial<EndpointLimits>;
  readonly spanBytes?: number;
  /**
   * Requests end by their timeout, which is made short. On a slow machine one may end so that was taken after all: it is
   * sent again then, with the same ids, as the contract has it.
   */
  readonly timesOut?: true;
}

const status = (http: number, grpc: number, more: { retryAfterMs?: number; message?: string } = {}) => ({
  begin: ({ receiver, protocol }: Setting) =>
    receiver.always({ kind: "status", status: protocol === "http" ? http : grpc, ...more }),
  end: accept,
  why: new RegExp(`status (${http}|${grpc})`),
});
const behaviour = (always: Behaviour) => ({ begin: ({ receiver }: Setting) => receiver.always(always), end: accept });
const connections = (mode: RelayMode) => ({
  begin: ({ relay }: Setting) => relay.setMode(mode),
  end: ({ relay }: Setting) => relay.setMode("forward"),
  losses: [],
});

function accept({ receiver }: Setting): void {
  receiver.always({ kind: "accept" });
}

let certificates: TestCertificates;
let tokenFile: string;

const faults: readonly Fault[] = [
  { name: "nobody there", ...connections("closed"), why: /refused/i },
  { name: "connections that are closed at once", ...connections("reset"), why: /reset|closed|14/i },
  {
    name: "connections on which nothing is answered",
    ...connections("silent"),
    timesOut: true,
    why: /no answer|status (4|14)/,
  },
  {
    name: "connections on which nothing is read",
    ...connections("deaf"),
    timesOut: true,
    why: /no answer|status (4|14)/,
  },
  {
    name: "connections that end in the middle of a request",
    ...connections("reset-mid-request"),
    why: /reset|closed|14/i,
  },
  { name: "a slow reader", ...connections("slow"), why: undefined },
  {
    name: "a host name that does not exist",
    begin: () => {},
    end: undefined,
    spec: ({ protocol }) => ({ url: `${protocol}://collector.invalid:4317` }),
    losses: ["shutdown"],
    why: /name/i,
  },
  {
    name: "a certificate of an unknown authority",
    begin: () => {},
    end: undefined,
    spec: ({ url }) => ({ url: url.replace("://", "s://") }),
    losses: ["shutdown"],
    why: /certificate/,
  },
  {
    name: "an answer that never comes",
    ...behaviour({ kind: "hang" }),
    timesOut: true,
    losses: [],
    why: /no answer|status 4/,
  },
  {
    name: "a reset before the answer",
    ...behaviour({ kind: "reset", when: "before-answer" }),
    losses: [],
    why: /closed|reset|14/i,
  },
  {
    name: "a reset in the middle of the answer",
    ...behaviour({ kind: "reset", when: "mid-answer" }),
    losses: [],
    why: /closed|reset|14|terminated/i,
  },
  { name: "400", ...status(400, 3), losses: ["refused"] },
  { name: "401", ...status(401, 16), losses: ["unauthorized"] },
  { name: "403", ...status(403, 7), losses: ["unauthorized"] },
  { name: "404", ...status(404, 12), losses: ["refused"] },
  { name: "429 with patience asked for", ...status(429, 8, { retryAfterMs: 20 }), losses: [] },
  { name: "429 without", ...status(429, 14), losses: [] },
  { name: "500", ...status(500, 13), losses: ["refused"] },
  { name: "502", ...status(502, 10), losses: [] },
  { name: "503", ...status(503, 14), losses: [] },
  { name: "504", ...status(504, 4), losses: [] },
  {
    name: "a redirect",
    ...behaviour({ kind: "redirect", location: "http://127.0.0.1:1/" }),
    losses: ["refused"],
    why: /307/,
  },
  {
    name: "a partial success",
    ...behaviour({ kind: "partial", rejectedSpans: 2, message: "too old" }),
    losses: ["partial_success"],
    why: undefined,
  },
  { name: "a malformed answer", ...behaviour({ kind: "malformed" }), losses: [], why: undefined },
  {
    name: "an expired token",
    begin: ({ receiver, protocol }) => receiver.next({ kind: "status", status: protocol === "http" ? 401 : 16 }),
    end: () => {},
    spec: () => ({ auth: { kind: "bearer-file", path: tokenFile } }),
    losses: [],
    why: undefined,
  },
  {
    name: "413: a limit of 4 MiB",
    ...behaviour({ kind: "size-limit", maxBytes: 4 * 1024 * 1024 }),
    limits: { maxBatchBytes: 16 * 1024 * 1024, maxQueuedBytes: 8 * 1024 * 1024 },
    spanBytes: 100_000,
    losses: [],
    why: /status (413|8)/,
  },
];

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
    for (const fault of faults) {
      test(`${protocol}: ${fault.name}`, async () => {
        const isSecure = fault.name.includes("certificate");
        await using receiver = await startOtlpReceiver({ protocol, ...(isSecure ? { tls: certificates.server } : {}) });
        await using relay = await startTcpRelay(receiver.port);
        const setting: Setting = { receiver, relay, protocol, url: `${protocol}://127.0.0.1:${relay.port}` };
        await fault.begin(setting);
        const bounds = { ...limits, ...fault.limits };
        const pool = createEndpointPool({ log: silentLog, limits: bounds });
        const endpoint = pool.endpoint({
          url: setting.url,
          timeoutMs: fault.timesOut ? 300 : 10_000,
          ...fault.spec?.(setting),
        });
        const spans = new SpanSupply(endpoint, bounds, fault.spanBytes ?? 100);

        spans.enqueue(100);
        await until(() =>
          fault.why === undefined ? endpoint.stats().exportedSpans > 0 : endpoint.stats().lastFailure !== undefined,
        );
        assert.match(endpoint.stats().lastFailure?.why ?? "", fault.why ?? /^/);
        spans.enqueue(400);
        await fault.end?.(setting);
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
