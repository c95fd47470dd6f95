import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { OTLPTraceExporter as GrpcExporter } from "@opentelemetry/exporter-trace-otlp-grpc";
import { OTLPTraceExporter as JsonExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as ProtobufExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace";
import { createCollectorClient, type TraceReader } from "../src/client.ts";
import type { Collector } from "../src/index.ts";
import { aCollector, postTraces, temporaryDirectory } from "./support/collectors.ts";
import { aSpan, hrTime, jsonOf, newSpanId, newTraceId, protobufOf, someSpans } from "./support/spans.ts";

const startMs = Date.now() - 60_000;

describe("spans through OTLP into the embedded engine", () => {
  const scope = new AsyncDisposableStack();
  let collector: Collector;
  let reader: TraceReader;
  before(async () => {
    const { path } = scope.use(await temporaryDirectory());
    collector = scope.use(await aCollector(path));
    reader = createCollectorClient({ apiUrl: collector.apiUrl ?? "" });
  });
  after(() => scope.disposeAsync());

  const exporters: { name: string; create: () => SpanExporter }[] = [
    { name: "OTLP/HTTP protobuf", create: () => new ProtobufExporter({ url: `${collector.otlpHttpUrl}/v1/traces` }) },
    {
      name: "OTLP/HTTP protobuf, gzipped",
      create: () => new ProtobufExporter({ url: `${collector.otlpHttpUrl}/v1/traces`, compression: "gzip" as never }),
    },
    { name: "OTLP/HTTP JSON", create: () => new JsonExporter({ url: `${collector.otlpHttpUrl}/v1/traces` }) },
    {
      name: "OTLP/gRPC",
      create: () => new GrpcExporter({ url: collector.otlpGrpcUrl?.replace("grpc:", "http:") ?? "" }),
    },
  ];
  for (const { name, create } of exporters) {
    test(`arrive whole from OpenTelemetry's ${name} exporter`, async () => {
      const span = anEventfulSpan();
      await exportWith(create(), [span]);
      const trace = await reader.getTrace(span.spanContext().traceId);
      assert.deepEqual(trace?.spans, [
        {
          traceId: span.spanContext().traceId,
          spanId: span.spanContext().spanId,
          parentSpanId: "00f067aa0ba902b7",
          name: "restore_cache — größe 🚀",
          kind: "Client",
          serviceName: "gitlab-ci-runner",
          startUnixNano: BigInt(startMs) * 1_000_000n,
          durationNano: 1_500_000_000n,
          status: "Error",
          statusMessage: "exit status 1",
          attributes: {
            "ci.cache.hit": "true",
            "ci.cache.size_bytes": "8388608",
            "ci.stage.cpu_time_s": "0.25",
            tags: '["a","b"]',
          },
          resourceAttributes: { "service.name": "gitlab-ci-runner", "ci.job.id": "7" },
          scopeName: "gitlab-ci-runner",
          scopeVersion: "0.1.0",
          events: [
            {
              timeUnixNano: BigInt(startMs + 5) * 1_000_000n,
              name: "exception",
              attributes: { "exception.type": "Error" },
            },
            { timeUnixNano: BigInt(startMs + 6) * 1_000_000n, name: "second", attributes: {} },
          ],
          links: [{ traceId: "1".repeat(32), spanId: "2".repeat(16), traceState: "", attributes: { why: "prepare" } }],
        },
      ]);
    });
  }

  test("are stored once when a request is repeated, as after a lost answer", async () => {
    const spans = someSpans(5);
    const before = collector.stats();
    for (let delivery = 0; delivery < 3; delivery += 1) {
      assert.equal((await postTraces(collector, protobufOf(spans))).status, 200);
    }
    const { body } = await reader.sql(
      `SELECT count() FROM otel_traces WHERE TraceId = '${spans[0]?.spanContext().traceId}'`,
      { format: "TabSeparated" },
    );
    assert.equal(Buffer.from(body).toString(), "5\n");
    assert.equal(collector.stats().storedSpans - before.storedSpans, 5);
    assert.equal(collector.stats().repeatedSpans - before.repeatedSpans, 10);
  });

  test("show once in a trace though they were stored twice", async () => {
    const span = aSpan();
    await Promise.all([postTraces(collector, protobufOf([span])), postTraces(collector, protobufOf([span]))]);
    const trace = await reader.getTrace(span.spanContext().traceId);
    assert.equal(trace?.spans.length, 1);
  });

  test("with an invalid id are rejected by partial success, in the encoding of the request, and the others stored", async () => {
    const spans = [aSpan({ spanId: "0".repeat(16) }), aSpan()];
    const json = await postTraces(collector, jsonOf(spans), { "Content-Type": "application/json" });
    const answer = (await json.json()) as { partialSuccess: { rejectedSpans: string; errorMessage: string } };
    assert.equal(json.status, 200);
    assert.equal(answer.partialSuccess.rejectedSpans, "1");
    assert.match(answer.partialSuccess.errorMessage, /span id/);
    const protobuf = await postTraces(collector, protobufOf([aSpan({ spanId: "0".repeat(16) }), aSpan()]));
    const bytes = Buffer.from(await protobuf.arrayBuffer());
    assert.deepEqual(bytes.subarray(0, 1), Buffer.from([0x0a]));
    assert.ok(bytes.includes(Buffer.from([0x08, 0x01, 0x12])), "rejected_spans is 1");
    assert.ok(await reader.getTrace(spans[1]?.spanContext().traceId ?? ""));
  });

  test("keep more distinct names and keys in one request than one byte or two can count", async () => {
    const count = 70_000;
    const traceId = newTraceId();
    const spans = Array.from({ length: count }, (_, i) =>
      aSpan({ traceId, startMs, name: `name ${i}`, attributes: i < 300 ? { [`key ${i}`]: `value ${i}` } : {} }),
    );
    assert.equal((await postTraces(collector, protobufOf(spans))).status, 200);
    const { body } = await reader.sql(
      `SELECT count(), uniqExact(SpanName), countIf(SpanAttributes[concat('key ', substring(SpanName, 6))] =
         concat('value ', substring(SpanName, 6))) FROM otel_traces WHERE TraceId = '${traceId}'`,
      { format: "TabSeparated" },
    );
    assert.equal(Buffer.from(body).toString(), `${count}\t${count}\t300\n`);
    const trace = await reader.getTrace(traceId);
    assert.equal(trace?.spans.length, 20_000);
    assert.equal(trace.truncated, true);
  });

  test("fill the typed table and the hourly roll-up", async () => {
    const traceId = newTraceId();
    const job = { "ci.job.id": 4711, "ci.project.id": 42, "ci.pipeline.id": "815" };
    const cache = (hit: boolean) =>
      aSpan({
        traceId,
        name: "restore_cache",
        startMs,
        attributes: { ...job, "ci.cache.hit": hit, "ci.cache.size_bytes": 10 },
      });
    await postTraces(
      collector,
      protobufOf([cache(true), cache(true), cache(false), aSpan({ traceId, name: "elsewhere" })]),
    );
    const typed = await tabSeparated(`
      SELECT count(), countIf(CacheHit), countIf(NOT CacheHit), sum(TransferBytes), any(PipelineId)
      FROM ci_job_telemetry_traces WHERE JobId = 4711`);
    assert.equal(typed, "3\t2\t1\t30\t815\n");
    const rolledUp = await tabSeparated(`
      SELECT sum(Spans), sum(CacheLookups), sum(CacheHits), quantilesTDigestMerge(0.5, 0.95, 0.99)(DurationQuantiles)[1] / 1e9
      FROM ci_job_telemetry_hourly WHERE ProjectId = 42 AND SpanName = 'restore_cache'`);
    assert.equal(rolledUp, "3\t3\t2\t1.5\n");
  });

  test("give a job and its pipeline their states, and a job its own tree", async () => {
    const traceId = newTraceId();
    const facts = { traceId, startMs };
    const ids = (jobId: number) => ({ "ci.job.id": jobId, "ci.project.id": 43, "ci.pipeline.id": "900" });
    const execution = aSpan({
      ...facts,
      name: "job_execution",
      attributes: {
        ...ids(1),
        "ci.job.name": "unit",
        "ci.job.stage": "test",
        "ci.job.status": "failed",
        "ci.job.failure_reason": "script_failure",
        "ci.job.exit_code": 3,
        "ci.job.queued_duration_s": 0.5,
        "ci.ref": "main",
      },
    });
    const script = aSpan({ ...facts, parentSpanId: execution.spanContext().spanId, attributes: ids(1) });
    const tool = aSpan({ ...facts, name: "pytest", parentSpanId: script.spanContext().spanId });
    const other = aSpan({ ...facts, name: "get_sources", attributes: ids(2) });
    await postTraces(collector, protobufOf([tool, script, execution, other]));
    const jobs = await reader.listJobs({ pipelineId: "900" });
    assert.deepEqual(
      jobs.map(({ jobId, name, state, failureReason, exitCode, queuedDurationS }) => [
        jobId,
        name,
        state,
        failureReason,
        exitCode,
        queuedDurationS,
      ]),
      [
        ["2", "", "running", "", undefined, undefined],
        ["1", "unit", "failed", "script_failure", 3, 0.5],
      ],
    );
    const [pipeline] = await reader.listPipelines({ projectId: "43" });
    assert.deepEqual(
      [pipeline?.pipelineId, pipeline?.state, pipeline?.jobs, pipeline?.failedJobs, pipeline?.traceId],
      ["900", "running", 2, 1, traceId],
    );
    const tree = await reader.getJobTrace("1");
    assert.deepEqual(tree?.spans.map(({ name }) => name).sort(), ["job_execution", "pytest", "step_script"]);
    assert.equal((await reader.getTrace(traceId))?.spans.length, 4);
  });

  async function tabSeparated(query: string): Promise<string> {
    return Buffer.from((await reader.sql(query, { format: "TabSeparated" })).body).toString();
  }
});

function anEventfulSpan(): ReadableSpan {
  return aSpan({
    name: "restore_cache — größe 🚀",
    kind: SpanKind.CLIENT,
    startMs,
    parentSpanId: "00f067aa0ba902b7",
    spanId: newSpanId(),
    status: { code: SpanStatusCode.ERROR, message: "exit status 1" },
    attributes: {
      "ci.cache.hit": true,
      "ci.cache.size_bytes": 8_388_608,
      "ci.stage.cpu_time_s": 0.25,
      tags: ["a", "b"],
    },
    resource: { "ci.job.id": 7 },
    events: [
      { time: hrTime(startMs + 5), name: "exception", attributes: { "exception.type": "Error" } },
      { time: hrTime(startMs + 6), name: "second" },
    ],
    links: [
      { context: { traceId: "1".repeat(32), spanId: "2".repeat(16), traceFlags: 1 }, attributes: { why: "prepare" } },
    ],
  });
}

async function exportWith(exporter: SpanExporter, spans: ReadableSpan[]): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    exporter.export(spans, ({ code, error }) => (code === 0 ? resolve() : reject(error ?? new Error("export failed"))));
  });
  await exporter.shutdown();
}
