import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { createEndpointPool, type EndpointSpec, type EndpointStats, silentLog } from "@jobscope/labkit";
import {
  type EndpointFault,
  endpointFaults,
  type FaultyEndpoint,
  makeCertificates,
  setEnvironment,
  startFaultyEndpoint,
  startTokenServer,
  type TokenServer,
} from "@jobscope/labkit/testing";
import type { SpanProcessor } from "../src/manager/span-processor.ts";
import type { ScriptableCoordinator } from "./support/scriptable-coordinator.ts";
import { aScriptJob, finalUpdateOf, logOf, withManager } from "./support/with-manager.ts";

const audience = "https://collector.example.com";
/** The spans of a job of this test are less than that together, and more than half of it. */
const maxBytes = 4_000;
/** As much as one request may take at the most, and longer than a job: no fault is over because of it. */
const nextStart = { shutdownFlushMs: 0, initialBackoffMs: 20, maxBackoffMs: 50, unauthorizedPauseMs: 50 };

/** A job with output, sections and commands of its own, and an end that is no success. */
const steps = [
  {
    name: "script",
    script: [
      "echo before",
      "for i in 1 2 3 4 5; do printf 'section_start:1:part_%s\\r\\033[0KPart\\nsection_end:1:part_%s\\r\\033[0K' $i $i; done",
      "exit 3",
    ],
  },
  { name: "after_script", script: ["echo afterwards"] },
];

const folder = await mkdtemp(path.join(tmpdir(), "jobscope-faults-"));
const cleanUp = new AsyncDisposableStack();
let certificates: Awaited<ReturnType<typeof makeCertificates>>;
before(async () => {
  cleanUp.defer(() => rm(folder, { recursive: true, force: true }));
  certificates = await makeCertificates(folder);
  const tokens = cleanUp.use<TokenServer>(await startTokenServer(Date.now));
  setEnvironment(cleanUp, { GCE_METADATA_HOST: new URL(tokens.url).host, METADATA_SERVER_DETECTION: "assume-present" });
});
after(() => cleanUp.disposeAsync());

for (const protocol of ["http", "grpc"] as const) {
  test(`whatever is wrong with an endpoint over ${protocol}, its job is the same and each span is stored once or counted`, async () => {
    await using stack = new AsyncDisposableStack();
    const jobs = await Promise.all(
      endpointFaults.map(async (fault, index) => {
        const options = { protocol, certificates, maxBytes };
        return aJob(index + 2, fault, stack.use<FaultyEndpoint>(await startFaultyEndpoint(fault, options)));
      }),
    );
    const emitted = aSpanCounter();
    const spool = path.join(folder, protocol);
    let statsOfJobs = (): readonly EndpointStats[] => [];
    await withManager(
      async ({ coordinator, manager }) => {
        statsOfJobs = () => manager.status().telemetry;
        const expected = await resultOf(coordinator, 1);
        assert.match(expected.log, /before[\s\S]*afterwards[\s\S]*Job failed: exit status 3/);
        assert.partialDeepStrictEqual(expected.update, { state: "failed", failure_reason: "script_failure" });
        for (const job of jobs) assert.deepEqual(await resultOf(coordinator, job.id), expected, job.fault.name);
        await emitted.until(({ size }) => size === jobs.length);
        // A request that is being accepted as the runner ends would be sent again by the next one.
        for (const { fault, endpoint, traceId } of jobs.filter(({ fault }) => accepts(fault))) {
          const { receiver } = endpoint;
          const emittedSpans = emitted.counts.get(traceId) ?? 0;
          await receiver
            .waitFor(() => seenBy(receiver) >= emittedSpans, inTime())
            .catch(() => assert.fail(`${fault.name}: ${seenBy(receiver)} of ${emittedSpans} spans arrived`));
        }
      },
      {
        config: {
          concurrent: 6,
          check_interval: 3600,
          telemetry: {
            spool_dir: spool,
            flush_timeout: "200ms",
            command_spans: true,
            payload_endpoints: { allowed_hosts: ["*"] },
          },
        },
        runner: { request_concurrency: 6 },
        prepare: (coordinator) => coordinator.script("request", untracedJob, ...jobs.map(({ answer }) => answer)),
        manager: { spanProcessors: [emitted.processor] },
      },
    );

    await Promise.all(jobs.map(({ endpoint }) => endpoint.recover()));
    await using pool = createEndpointPool({ log: silentLog, limits: nextStart, spool: { directory: spool } });
    for (const { fault, endpoint, spec, traceId } of jobs) {
      const name = `${protocol}: ${fault.name}`;
      const next = pool.endpoint(spec);
      if (fault.end !== undefined) assert.equal((await next.flush(inTime())).kind, "flushed", name);
      const stored = endpoint.receiver.spans.map(({ spanId }) => spanId);
      assert.equal(new Set(stored).size, stored.length, `${name}: no span is stored twice`);
      const before = statsOfJobs().find((stats) => stats.endpoint.startsWith(spec.url));
      const counted = [before, next.stats()].flatMap((stats) => Object.entries(stats?.droppedSpans ?? {}));
      const dropped = counted.filter(([, spans]) => spans > 0);
      const onDisk = fault.end === undefined ? (emitted.counts.get(traceId) ?? 0) : 0;
      const lost = dropped.reduce((sum, [, spans]) => sum + spans, 0);
      assert.equal(stored.length + lost + onDisk, emitted.counts.get(traceId), `${name}: every span is accounted for`);
      const losses = fault.losses.filter((reason) => reason !== "shutdown");
      assert.deepEqual([...new Set(dropped.map(([reason]) => reason))], losses, name);
    }
  });
}

/** In trouble, but not so that it takes nothing. */
function accepts({ why, limitsSize }: EndpointFault): boolean {
  return why === undefined || limitsSize === true;
}

/** Spans that it has taken or rejected. */
function seenBy({ requests }: FaultyEndpoint["receiver"]): number {
  return new Set(requests.flatMap(({ spans }) => spans.map(({ spanId }) => spanId))).size;
}

const variables = ["CI_JOB_ID", "CI_PIPELINE_ID"].map((key) => ({ key, value: "1", public: true }));
const settings = { FF_TIMESTAMPS: "false", GIT_STRATEGY: "none" };
const payload = {
  steps,
  variables: [...variables, ...Object.entries(settings).map(([key, value]) => ({ key, value, public: true }))],
};
const untracedJob = aScriptJob(1, [], payload);

interface JobWithFault {
  readonly id: number;
  readonly traceId: string;
  readonly fault: EndpointFault;
  readonly endpoint: FaultyEndpoint;
  /** As the next start of a runner would ask for the endpoint. */
  readonly spec: EndpointSpec;
  readonly answer: object;
}

function aJob(id: number, fault: EndpointFault, endpoint: FaultyEndpoint): JobWithFault {
  const traceId = id.toString(16).padStart(32, "0");
  const type = "http_bearer_gcp_oidc";
  const auth = fault.needsToken ? { auth: { type, [type]: { audience } } } : {};
  const tracing = { trace_id: traceId, otel_endpoints: [{ url: endpoint.url, ...auth }] };
  const spec = { url: endpoint.url, ...(fault.needsToken ? { auth: { kind: "gcp-oidc", audience } as const } : {}) };
  const answer = aScriptJob(id, [], { ...payload, features: { trace_sections: true, tracing } });
  return { id, traceId, fault, endpoint, spec, answer };
}

/** What the coordinator got to know of a job, without what is different in every one. */
async function resultOf(coordinator: ScriptableCoordinator, id: number) {
  // The times of log sections are in the checksum.
  const { token: _, output: __, checksum: ___, ...update } = await finalUpdateOf(coordinator, id);
  const traceId = id.toString(16).padStart(32, "0");
  const lines = logOf(coordinator, id).split("\n");
  const log = lines
    // The one line that tells the trace's id, where there is one.
    .filter((line) => !line.includes(traceId))
    .join("\n")
    .replace(/section_(start|end):\d{2,}:/g, "section_$1:0:")
    .replace(/\/builds\/[\w-]+\/\d+\//g, "/builds/token/0/");
  return { log, update };
}

/** Counts the spans that ended, by trace; a trace is in `counts` once its job's own span has ended. */
function aSpanCounter() {
  const counts = new Map<string, number>();
  const running = new Map<string, number>();
  const waiting = new Set<() => void>();
  const processor: SpanProcessor = {
    onStart() {},
    onEnd(span) {
      const { traceId } = span.spanContext();
      running.set(traceId, (running.get(traceId) ?? 0) + 1);
      if (span.name !== "job_execution") return;
      counts.set(traceId, running.get(traceId) ?? 0);
      for (const look of waiting) look();
    },
    async forceFlush() {},
    async shutdown() {},
  };
  return {
    counts,
    processor,
    async until(condition: (ended: ReadonlyMap<string, number>) => boolean) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const look = () => condition(counts) && resolve();
      waiting.add(look);
      look();
      await promise.finally(() => waiting.delete(look));
    },
  };
}

function inTime(): { signal: AbortSignal } {
  return { signal: AbortSignal.timeout(30_000) };
}
