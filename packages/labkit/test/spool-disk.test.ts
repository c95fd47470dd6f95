import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { createEndpointPool, type Log } from "@jobscope/labkit";
import { startOtlpReceiver } from "./support/otlp-receiver.ts";
import { aSpan } from "./support/spans.ts";

const run = promisify(execFile);
const limits = { coalesceMs: 5, initialBackoffMs: 5, maxBackoffMs: 20, shutdownFlushMs: 0, maxBatchSpans: 20 };
const spoolLimits = { segmentBytes: 8_000, retryAfterMs: 5 };
const inTime = () => ({ signal: AbortSignal.timeout(10_000) });
const cannotWrite = "telemetry spool cannot be written, keeping spans in memory";
const worksAgain = "telemetry spool works again";

const why = await mountingFails();

describe("the spool on a disk in trouble", { skip: why }, () => {
  test("a disk that fills up costs no span: said once, counted, and written to again when there is room", async () => {
    await using disk = await mountDisk();
    await using receiver = await startOtlpReceiver();
    receiver.always({ kind: "status", status: 503 });
    const { log, messages } = aLog();
    await using pool = createEndpointPool({ log, limits, spool: { directory: disk.path, limits: spoolLimits } });
    const endpoint = pool.endpoint({ url: receiver.url });
    let sent = 0;
    const send = (): void => endpoint.enqueue(aSpan(sent++, { attributes: { padding: "x".repeat(1_000) } }));
    while (sent < 300) send();
    await until(() => {
      send();
      return (endpoint.stats().spool?.failedWrites ?? 0) > 3;
    });
    assert.deepEqual(spoolMessages(messages), [cannotWrite]);

    receiver.always({ kind: "accept" });
    await endpoint.flush(inTime());
    const ids = receiver.spans.map(({ spanId }) => spanId);
    assert.deepEqual([ids.length, new Set(ids).size], [sent, sent]);
    await until(() => endpoint.stats().spool?.isWorking === true);
    assert.deepEqual(spoolMessages(messages), [cannotWrite, worksAgain]);
  });

  test("a disk that is read-only costs no span, and what is on it is sent once when it is not any more", async () => {
    await using disk = await mountDisk();
    await using receiver = await startOtlpReceiver();
    const { log, messages } = aLog();
    const spool = { directory: disk.path, limits: spoolLimits };
    const enqueue = async (from: number, flushMs: number) => {
      await using pool = createEndpointPool({ log, limits, spool });
      const endpoint = pool.endpoint({ url: receiver.url });
      for (let number = from; number < from + 20; number++) endpoint.enqueue(aSpan(number));
      await endpoint.flush({ signal: AbortSignal.timeout(flushMs) });
      return endpoint.stats();
    };
    receiver.always({ kind: "status", status: 503 });
    await enqueue(0, 20);
    receiver.always({ kind: "accept" });

    await disk.remount("ro");
    const onReadOnly = await enqueue(20, 10_000);
    assert.partialDeepStrictEqual(onReadOnly, { exportedSpans: 20, spool: { isWorking: false } });
    assert.deepEqual(spoolMessages(messages), [cannotWrite]);

    await disk.remount("rw");
    await enqueue(40, 10_000);
    const ids = receiver.spans.map(({ spanId }) => spanId);
    assert.deepEqual([ids.length, new Set(ids).size], [60, 60]);
  });
});

interface Disk extends AsyncDisposable {
  readonly path: string;
  remount(mode: "ro" | "rw"): Promise<void>;
}

/** A file system of 64 KiB in memory. */
async function mountDisk(): Promise<Disk> {
  const path = await mkdtemp(join(tmpdir(), "labkit-disk-"));
  await run("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", path]);
  return {
    path,
    async remount(mode) {
      await run("mount", ["-o", `remount,${mode}`, path]);
    },
    async [Symbol.asyncDispose]() {
      await run("umount", ["--lazy", path]);
      await rm(path, { recursive: true });
    },
  };
}

async function mountingFails(): Promise<string | undefined> {
  try {
    await using _ = await mountDisk();
    return undefined;
  } catch {
    return "this user cannot mount a file system";
  }
}

async function until(condition: () => boolean): Promise<void> {
  const signal = AbortSignal.timeout(10_000);
  while (!condition()) {
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function aLog(): { log: Log; messages: string[] } {
  const messages: string[] = [];
  const note = (message: string) => void messages.push(message);
  const log: Log = { debug() {}, info: note, warn: note, error: note, child: () => log };
  return { log, messages };
}

function spoolMessages(messages: readonly string[]): string[] {
  return messages.filter((message) => message === cannotWrite || message === worksAgain);
}
