import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmod,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, test } from "node:test";
import {
  createEndpointPool,
  createSpanProcessor,
  type EndpointPoolOptions,
  type EndpointStats,
  silentLog,
} from "@jobscope/labkit";
import { TracerProvider } from "@opentelemetry/sdk-trace";
import { spoolKeyOf } from "../src/otlp/spool/endpoint-key.ts";
import { readEntries } from "../src/otlp/spool/record.ts";
import { startOtlpReceiver } from "./support/otlp-receiver.ts";
import { aSpan, someSpans } from "./support/spans.ts";

const quick = { coalesceMs: 10, initialBackoffMs: 10, maxBackoffMs: 50, shutdownFlushMs: 0 };
const inTime = () => ({ signal: AbortSignal.timeout(10_000) });
const nobody = { url: "http://127.0.0.1:9" };

describe("the spool", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "labkit-spool-"));
  });
  afterEach(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  function createPool(options: Partial<EndpointPoolOptions> = {}) {
    return createEndpointPool({
      log: silentLog,
      ...options,
      limits: { ...quick, ...options.limits },
      spool: { directory, ...options.spool },
    });
  }

  test("is empty, to the last folder, when everything was delivered", async () => {
    await using receiver = await startOtlpReceiver();
    const pool = createPool();
    for (const span of someSpans(100)) pool.endpoint({ url: receiver.url }).enqueue(span);
    await pool.flush(inTime());
    await pool[Symbol.asyncDispose]();
    assert.equal(receiver.spans.length, 100);
    assert.deepEqual(await readdir(directory), []);
  });

  test("keeps what could not be delivered for the next process, which sends the same spans in order", async () => {
    const absent = createPool();
    for (const span of someSpans(100)) absent.endpoint({ url: nobody.url }).enqueue(span);
    await absent[Symbol.asyncDispose]();
    assert.equal(lost(absent.stats()), 0);

    await using receiver = await startOtlpReceiver({ port: 0 });
    await renameEndpoint(nobody.url, receiver.url);
    await using pool = createPool();
    await pool.endpoint({ url: receiver.url }).flush(inTime());
    assert.deepEqual(
      receiver.spans.map(({ name }) => name),
      someSpans(100).map(({ name }) => name),
    );
    assert.deepEqual(
      receiver.spans.map(({ spanId }) => spanId),
      someSpans(100).map((span) => span.spanContext().spanId),
    );
    assert.deepEqual(receiver.spans[0]?.resource, { "service.name": "labkit-test" });
  });

  test("takes what memory has no room for", async () => {
    await using receiver = await startOtlpReceiver();
    receiver.always({ kind: "status", status: 503 });
    await using pool = createPool({ limits: { ...quick, maxQueuedSpans: 50 } });
    const endpoint = pool.endpoint({ url: receiver.url });
    for (let round = 0; round < 10; round++) {
      for (let number = 0; number < 40; number++) endpoint.enqueue(aSpan(round * 40 + number));
      // So that the disk comes by its turn, as between the spans of real jobs.
      await receiver.waitFor(() => endpoint.stats().spool?.isWorking === true && receiver.requests.length > round);
    }
    assert.ok((endpoint.stats().spool?.backlogSpans ?? 0) > 0);
    receiver.always({ kind: "accept" });
    await endpoint.flush(inTime());
    const ids = receiver.spans.map(({ spanId }) => spanId);
    assert.equal(new Set(ids).size, ids.length);
    assert.equal(ids.length + lost([endpoint.stats()]), 400);
  });

  test("killed at any call of the file system, what a process had written comes to the endpoint", async () => {
    await using receiver = await startOtlpReceiver();
    const onDisk: string[] = [];
    for (const [index, point] of killPoints.entries()) {
      // Every second one finds an endpoint that takes nothing, and leaves more to the next.
      receiver.always(index % 2 === 0 ? { kind: "status", status: 503 } : { kind: "accept" });
      onDisk.push(...(await crashAt(point, receiver.url, directory)));
    }
    receiver.always({ kind: "accept" });
    const before = new Set(receiver.spans.map(({ name }) => name));
    await using pool = createPool();
    await pool.endpoint({ url: receiver.url }).flush(inTime());
    const names = receiver.spans.map(({ name }) => name);
    assert.deepEqual(
      onDisk.filter((name) => !names.includes(name)),
      [],
    );
    // Only what a crash overtook after it was accepted is sent again.
    const again = names.filter((name, at) => names.indexOf(name) < at && !before.has(name));
    assert.deepEqual(again, []);
  });

  test("a segment cut at any byte gives the spans before the cut", async () => {
    const filled = createPool();
    for (const span of someSpans(20)) filled.endpoint(nobody).enqueue(span);
    await filled[Symbol.asyncDispose]();
    const untouched = await mkdtemp(join(tmpdir(), "labkit-spool-untouched-"));
    await using _ = { [Symbol.asyncDispose]: () => rm(untouched, { recursive: true }) };
    await cp(directory, untouched, { recursive: true });
    const whole = await readFile(await onlySegment(directory));
    const ends = [...readEntries(whole)].map(({ place }) => place.end);

    await using receiver = await startOtlpReceiver();
    for (let cut = 0; cut <= whole.length; cut += 97) {
      await rm(directory, { recursive: true });
      await cp(untouched, directory, { recursive: true });
      await truncate(await onlySegment(directory), cut);
      await renameEndpoint(nobody.url, receiver.url);
      const before = receiver.spans.length;
      await using pool = createPool();
      await pool.endpoint({ url: receiver.url }).flush(inTime());
      const names = receiver.spans.slice(before).map(({ name }) => name);
      assert.deepEqual(
        names,
        someSpans(20)
          .map(({ name }) => name)
          .slice(0, names.length),
      );
      assert.equal(names.length, ends.filter((end) => end <= cut).length);
    }
  });

  test("a span that was open when its process ended is closed by the next one, once, and not one that had ended", async () => {
    const first = createPool();
    const processor = createSpanProcessor([first.endpoint(nobody)]);
    const tracer = new TracerProvider({ spanProcessors: [processor] }).getTracer("test");
    const open = tracer.startSpan("job_execution", { attributes: { "ci.job.id": 7 } });
    const ended = tracer.startSpan("get_sources");
    await first.flush({ signal: AbortSignal.timeout(50) });
    ended.end();
    await first[Symbol.asyncDispose]();

    await using receiver = await startOtlpReceiver();
    await renameEndpoint(nobody.url, receiver.url);
    const interrupted = { errorType: "runner_system_failure" };
    const second = createPool({ spool: { directory, interrupted } });
    await second.endpoint({ url: receiver.url }).flush(inTime());
    await second[Symbol.asyncDispose]();
    assert.deepEqual(receiver.spans.map(({ name }) => name).sort(), ["get_sources", "job_execution"]);
    const closed = receiver.spans.find(({ name }) => name === "job_execution");
    assert.equal(closed?.spanId, open.spanContext().spanId);
    assert.deepEqual(closed?.status, { code: 2, message: "the process ended before the span did" });
    assert.deepEqual(closed?.attributes, { "ci.job.id": 7, "error.type": "runner_system_failure" });
    assert.ok(closed !== undefined && closed.endUnixNano >= closed.startUnixNano);
    assert.ok(closed.endUnixNano <= BigInt(Date.now()) * 1_000_000n);
    assert.equal(receiver.spans.find(({ name }) => name === "get_sources")?.status.code, 0);
    assert.deepEqual(await readdir(directory), []);
  });

  test("a span that ended while its endpoint refused our credentials is not taken for one that a crash cut short", async () => {
    await using receiver = await startOtlpReceiver();
    receiver.always({ kind: "status", status: 403 });
    const pool = createPool();
    const endpoint = pool.endpoint({ url: receiver.url });
    const tracer = new TracerProvider({ spanProcessors: [createSpanProcessor([endpoint])] }).getTracer("test");
    const [first, second] = [tracer.startSpan("first"), tracer.startSpan("second")];
    await pool.flush(inTime());
    first.end();
    await pool.flush(inTime());
    second.end();
    await pool[Symbol.asyncDispose]();
    assert.equal(endpoint.stats().droppedSpans.unauthorized, 2);
    assert.deepEqual(await readdir(directory), []);
  });

  test("a span that ended and was delivered leaves no open one behind", async () => {
    await using receiver = await startOtlpReceiver();
    const pool = createPool();
    const processor = createSpanProcessor([pool.endpoint({ url: receiver.url })]);
    const tracer = new TracerProvider({ spanProcessors: [processor] }).getTracer("test");
    const spans = Array.from({ length: 20 }, (_, number) => tracer.startSpan(`span ${number}`));
    await pool.flush(inTime());
    for (const span of spans) span.end();
    await pool.flush(inTime());
    await pool[Symbol.asyncDispose]();
    assert.equal(receiver.spans.length, 20);
    assert.deepEqual(await readdir(directory), []);
  });

  test("two processes never share one: the folder of a living process is left alone", async () => {
    await using first = createPool();
    first.endpoint(nobody).enqueue(aSpan(1));
    while (first.endpoint(nobody).stats().spool?.bytes === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await using second = createPool();
    // What is there for it would be sent now, or left.
    assert.deepEqual(await second.endpoint(nobody).flush(inTime()), { kind: "flushed" });
    assert.equal(second.endpoint(nobody).stats().spool?.backlogSpans, 0);
    assert.equal((await readdir(directory)).length, 2);
  });

  test("a note tells the next process of an endpoint that it does not know of, until all is delivered", async () => {
    await using receiver = await startOtlpReceiver();
    const spec = { url: receiver.url };
    receiver.always({ kind: "status", status: 503 });
    const first = createPool();
    first.endpoint(spec, { note: "mine" }).enqueue(aSpan(1));
    first.endpoint(nobody, { note: "nothing left" });
    await first[Symbol.asyncDispose]();

    // One that does not ask for it hands it on.
    const second = createPool();
    assert.deepEqual(await second.notesOfUnsent(), ["mine"]);
    await second[Symbol.asyncDispose]();
    receiver.always({ kind: "accept" });
    const third = createPool();
    assert.deepEqual(await third.notesOfUnsent(), ["mine"]);
    await third.endpoint(spec).flush(inTime());
    await third[Symbol.asyncDispose]();
    assert.equal(receiver.spans.length, 1);
    assert.deepEqual(await readdir(directory), []);
  });

  test("folders that are not a spool's are left alone", async () => {
    await mkdir(join(directory, "precious"));
    await writeFile(join(directory, "precious", "x.spool"), "mine");
    const pool = createPool();
    pool.endpoint(nobody).enqueue(aSpan(1));
    await pool[Symbol.asyncDispose]();
    assert.equal(await readFile(join(directory, "precious", "x.spool"), "utf8"), "mine");
  });

  test("is capped in bytes: the oldest go first, and are counted", async () => {
    const limits = { maxBytes: 20_000, segmentBytes: 4_000 };
    await using receiver = await startOtlpReceiver();
    receiver.always({ kind: "status", status: 503 });
    const pool = createPool({
      limits: { ...quick, maxQueuedSpans: 1, maxBatchSpans: 1 },
      spool: { directory, limits },
    });
    const endpoint = pool.endpoint({ url: receiver.url });
    for (let number = 0; number < 300; number++) {
      endpoint.enqueue(aSpan(number));
      await receiver.waitFor(() => (endpoint.stats().spool?.bytes ?? 0) > 0);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await pool[Symbol.asyncDispose]();
    const stats = endpoint.stats();
    assert.ok((stats.spool?.bytes ?? 0) <= 20_000);
    assert.ok(stats.droppedSpans.spool_full > 0);

    receiver.always({ kind: "accept" });
    await using next = createPool();
    await next.endpoint({ url: receiver.url }).flush(inTime());
    assert.equal(new Set(receiver.spans.map(({ name }) => name)).size, receiver.spans.length);
    assert.equal(receiver.spans.length + lost([stats]), 300);
    assert.equal(receiver.spans.at(-1)?.name, "span 299");
  });

  test("what is too old is given up", async () => {
    const filled = createPool();
    for (const span of someSpans(5)) filled.endpoint(nobody).enqueue(span);
    await filled[Symbol.asyncDispose]();
    const longAgo = new Date(Date.now() - 100 * 3_600_000);
    await utimes(await onlySegment(directory), longAgo, longAgo);
    const pool = createPool();
    await pool.endpoint(nobody).flush(inTime());
    assert.equal(pool.endpoint(nobody).stats().spool?.backlogSpans, 0);
    await pool[Symbol.asyncDispose]();
    assert.deepEqual(await readdir(directory), []);
  });

  test("endpoints that differ in their secrets alone share nothing, and both leave to the next process", async () => {
    const spec = (token: string) => ({ ...nobody, auth: { kind: "bearer", token } as const });
    const first = createPool();
    first.endpoint(spec("a")).enqueue(aSpan(1));
    first.endpoint(spec("b")).enqueue(aSpan(2));
    await first[Symbol.asyncDispose]();
    await using second = createPool();
    const outcome = await second.endpoint(spec("c")).flush({ signal: AbortSignal.timeout(100) });
    assert.deepEqual(outcome, { kind: "left", spans: 2 });
  });

  test("a directory that cannot be written switches to memory, said once", async () => {
    const file = join(directory, "file");
    await writeFile(file, "");
    const messages: string[] = [];
    const note = (message: string) => void messages.push(message);
    const log = { debug() {}, info: note, warn: note, error: note, child: () => log };
    await using receiver = await startOtlpReceiver();
    await using pool = createPool({ log, spool: { directory: join(file, "below"), limits: { retryAfterMs: 1 } } });
    const endpoint = pool.endpoint({ url: receiver.url });
    for (const span of someSpans(50)) {
      endpoint.enqueue(span);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await endpoint.flush(inTime());
    assert.equal(receiver.spans.length, 50);
    assert.partialDeepStrictEqual(endpoint.stats().spool, { isWorking: false, bytes: 0 });
    assert.ok((endpoint.stats().spool?.failedWrites ?? 0) > 0);
    assert.deepEqual(messages, ["telemetry spool cannot be written, keeping spans in memory"]);
  });

  test("files are for the owner's eyes only", async () => {
    await chmod(directory, 0o755);
    const pool = createPool();
    pool.endpoint(nobody).enqueue(aSpan(1));
    await pool[Symbol.asyncDispose]();
    assert.equal((await stat(await onlySegment(directory))).mode & 0o077, 0);
  });

  /** Lets the spans that were for one URL be found by another: tests cannot choose the port of a receiver. */
  async function renameEndpoint(from: string, to: string): Promise<void> {
    for (const instance of await readdir(directory)) {
      await rename(
        join(directory, instance, spoolKeyOf(from, undefined)),
        join(directory, instance, spoolKeyOf(to, undefined)),
      );
    }
  }
});

/** Which call of the file system a process dies at, and when: a spool's life from its folder to its last segment. */
const killPoints: readonly [operation: string, ordinal: number, moment: "before" | "half" | "after"][] = [
  ["write", 1, "half"],
  ["write", 3, "half"],
  ["write", 4, "after"],
  // The folder gets its name; one that was left is taken over.
  ["rename", 1, "before"],
  ["rename", 2, "after"],
  // The endpoint's folder, and the second segment.
  ["mkdir", 2, "after"],
  ["open", 2, "after"],
  // Segments whose spans were all delivered.
  ["rm", 3, "after"],
];

/** @returns what the process had written when it died. */
async function crashAt(point: (typeof killPoints)[number], url: string, directory: string): Promise<string[]> {
  const fixture = new URL("./support/crashing-process.ts", import.meta.url).pathname;
  const label = point.join("");
  const args = ["--conditions=jobscope-source", fixture, url, directory, label, ...point.map(String)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const written: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) written.push(line);
  await exited;
  assert.equal(child.signalCode, "SIGKILL", `${label} was never reached`);
  return written;
}

async function onlySegment(directory: string): Promise<string> {
  const files = (await readdir(directory, { recursive: true })).filter((name) => name.endsWith(".spool"));
  assert.equal(files.length, 1);
  return join(directory, files[0] ?? "");
}

function lost(stats: readonly EndpointStats[]): number {
  return stats.flatMap(({ droppedSpans }) => Object.values(droppedSpans)).reduce((sum, count) => sum + count, 0);
}
