import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createEndpointPool, type EndpointSpec, inspectSpool, silentLog, spoolKeyOfSpec } from "@jobscope/labkit";
import { startOtlpReceiver } from "./support/otlp-receiver.ts";
import { aSpan } from "./support/spans.ts";

test("what a spool holds can be seen while its process runs, after it ended, and once it was delivered", async () => {
  const directory = await mkdtemp(join(tmpdir(), "labkit-inspect-"));
  await using cleanUp = new AsyncDisposableStack();
  cleanUp.defer(() => rm(directory, { recursive: true }));
  await using receiver = await startOtlpReceiver();
  receiver.always({ kind: "status", status: 503 });
  const spec: EndpointSpec = { url: receiver.url, auth: { kind: "bearer", token: "t" } };
  const open = () =>
    createEndpointPool({ log: silentLog, spool: { directory }, limits: { shutdownFlushMs: 0, initialBackoffMs: 10 } });

  assert.deepEqual(await inspectSpool(join(directory, "missing")), []);
  const pool = open();
  const endpoint = pool.endpoint(spec);
  const first = aSpan(1);
  endpoint.spanStarted(first);
  endpoint.enqueue(first);
  endpoint.enqueue(aSpan(2));
  endpoint.spanStarted(aSpan(3));
  await receiver.waitFor(() => receiver.requests.length > 0);
  const [running, ...more] = await inspectSpool(directory);
  assert.equal(more.length, 0);
  assert.partialDeepStrictEqual(running, { key: spoolKeyOfSpec(spec), isInUse: true, unsentSpans: 2, openSpans: 1 });
  assert.ok((running?.bytes ?? 0) > 0 && Math.abs(Date.now() - (running?.oldestAtMs ?? 0)) < 60_000);

  await pool[Symbol.asyncDispose]();
  assert.partialDeepStrictEqual(await inspectSpool(directory), [{ isInUse: false, unsentSpans: 2 }]);

  receiver.always({ kind: "accept" });
  const next = open();
  next.endpoint(spec);
  await receiver.waitFor(() => receiver.spans.length >= 3);
  assert.deepEqual(receiver.spans.map(({ name }) => name).sort(), ["span 1", "span 2", "span 3"]);
  await next.flush({ signal: AbortSignal.timeout(5_000) });
  await next[Symbol.asyncDispose]();
  assert.deepEqual(await inspectSpool(directory), []);
});
