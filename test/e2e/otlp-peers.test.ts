import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import type { Collector } from "@jobscope/collector";
import { createEndpointPool, type EndpointStats, silentLog } from "@jobscope/labkit";
import { aSpan } from "@jobscope/labkit/testing";
import { skippedWithout, testPeer } from "@jobscope/runner/testing";
import { type OtlpPeer, startOtelcol, startRotel } from "../support/otlp-peers.ts";
import { startTestCollector } from "../support/stack.ts";
import { readStoredSpans, type StoredSpan } from "../support/stored-spans.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../support/temporary-directory.ts";

const quick = { coalesceMs: 5, initialBackoffMs: 20, maxBackoffMs: 100, shutdownFlushMs: 0 };
const inTime = () => ({ signal: AbortSignal.timeout(10_000) });
const traceId = aSpan(0).spanContext().traceId;
/** Collectors forget what is old. */
const nowS = Math.floor(Date.now() / 1_000) - 1;
const attributes = { text: "grüße 🎈", number: 7, share: 0.5, yes: true, list: ["a", "b"] };

/** Programs that are not ours, and how they are told where to send. */
const collectors = [
  { name: "otelcol", start: startOtelcol },
  { name: "rotel", start: startRotel },
];

describe("OTLP with programs of others", () => {
  const scope = new AsyncDisposableStack();
  let ours: Collector;
  let directory: string;
  let nextSpan = 0;
  before(async () => {
    directory = scope.use<TemporaryDirectory>(await temporaryDirectory()).path;
    ours = scope.use<Collector>(await startTestCollector(join(directory, "store")));
  });
  after(() => scope.disposeAsync());

  for (const { name, start } of collectors) {
    describe(name, { skip: skippedWithout(name) }, () => {
      let peer: OtlpPeer;
      before(async () => {
        const to = { httpUrl: ours.otlpHttpUrl ?? "", grpcUrl: ours.otlpGrpcUrl ?? "" };
        peer = scope.use<OtlpPeer>(await start({ directory, to }));
      });

      for (const protocol of ["http", "grpc"] as const) {
        test(`passes on what it gets over ${protocol}: each span is in ClickHouse once, with all that is on it`, async () => {
          const numbers = takeNumbers(300);
          const stats = await send(numbers, protocol === "http" ? peer.httpUrl : peer.grpcUrl, { compression: "gzip" });
          assert.equal(stats.exportedSpans, numbers.length);
          const rows = await rowsOf(numbers);
          assert.partialDeepStrictEqual(rows[0], {
            ServiceName: "labkit-test",
            StatusCode: "Ok",
            Attributes: { text: "grüße 🎈", number: "7", share: "0.5", yes: "true", list: '["a","b"]' },
          });
        });
      }

      test("refuses more than 4 MiB over gRPC: they come in parts", async () => {
        const numbers = takeNumbers(60);
        const limits = { ...quick, maxBatchBytes: 32 * 2 ** 20, maxQueuedBytes: 64 * 2 ** 20 };
        const stats = await send(numbers, peer.grpcUrl, { limits, padding: "x".repeat(100_000) });
        assert.ok(stats.retriedRequests > 0, "one was too large");
        await rowsOf(numbers);
      });

      test("goes away and comes back: no span is missing", async () => {
        await using pool = createEndpointPool({ log: silentLog, limits: quick });
        const numbers = takeNumbers(30);
        const endpoint = pool.endpoint({ url: peer.grpcUrl });
        const enqueue = (from: number) => {
          for (const number of numbers.slice(from, from + 10)) endpoint.enqueue(spanOf(number));
        };
        enqueue(0);
        await endpoint.flush(inTime());
        await peer.stop();
        enqueue(10);
        assert.equal((await endpoint.flush({ signal: AbortSignal.timeout(200) })).kind, "left");
        await peer.restart();
        enqueue(20);
        assert.equal((await endpoint.flush(inTime())).kind, "flushed");
        await rowsOf(numbers);
      });
    });
  }

  describe("OpenTelemetry's SDK for Python", { skip: skippedWithout("otel-python") }, () => {
    for (const protocol of ["http", "grpc"] as const) {
      test(`its spans over ${protocol} are taken as they are`, async () => {
        const script = join(import.meta.dirname, "../peers/send_spans.py");
        const endpoint =
          protocol === "http" ? `${ours.otlpHttpUrl}/v1/traces` : ours.otlpGrpcUrl?.replace("grpc", "http");
        const run = promisify(execFile)(testPeer("otel-python") ?? "", [script, protocol, endpoint ?? "", "40"]);
        const { stdout } = await run;
        const spans = await readStoredSpans(ours.apiUrl ?? "", stdout.trim());
        assert.equal(spans.length, 40);
        const parent = spans.find(({ SpanName }) => SpanName === "parent");
        const expected = { text: "grüße", number: "7", share: "0.5", yes: "true" };
        assert.partialDeepStrictEqual(parent, { ServiceName: "python", StatusCode: "Unset", Attributes: expected });
        const children = spans.filter(({ SpanName }) => SpanName.startsWith("child"));
        for (const child of children) {
          assert.partialDeepStrictEqual(child, {
            ParentSpanId: parent?.SpanId,
            StatusCode: "Error",
            StatusMessage: "failed",
          });
        }
      });
    }
  });

  function spanOf(number: number, more: Readonly<Record<string, string>> = {}): ReturnType<typeof aSpan> {
    return {
      ...aSpan(number, { attributes: { ...attributes, ...more } }),
      startTime: [nowS, number],
      endTime: [nowS, 1_000_000],
    };
  }

  /** Numbers of spans that nobody else sends. */
  function takeNumbers(count: number): number[] {
    return Array.from({ length: count }, () => nextSpan++);
  }

  async function send(
    numbers: readonly number[],
    url: string,
    { limits = quick, padding = "", compression }: { limits?: object; padding?: string; compression?: "gzip" },
  ): Promise<EndpointStats> {
    await using pool = createEndpointPool({ log: silentLog, limits });
    const endpoint = pool.endpoint({ url, ...(compression === undefined ? {} : { compression }) });
    for (const number of numbers) endpoint.enqueue(spanOf(number, { padding }));
    await endpoint.flush(inTime());
    return endpoint.stats();
  }

  /** Waits until the spans were passed on; each of them is there once. */
  async function rowsOf(numbers: readonly number[]): Promise<StoredSpan[]> {
    const ids = new Set(numbers.map((number) => aSpan(number).spanContext().spanId));
    const { signal } = inTime();
    for (;;) {
      const rows = (await readStoredSpans(ours.apiUrl ?? "", traceId)).filter(({ SpanId }) => ids.has(SpanId));
      if (new Set(rows.map(({ SpanId }) => SpanId)).size === numbers.length) {
        assert.equal(rows.length, numbers.length, "each once");
        return rows;
      }
      signal.throwIfAborted();
      await delay(20);
    }
  }
});
