import assert from "node:assert/strict";
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createEndpointPool, type EndpointStats, silentLog } from "@jobscope/labkit";
import { makeCertificates, type TestCertificates } from "./support/certificates.ts";
import { startOtlpReceiver } from "./support/otlp-receiver.ts";
import { aSpan } from "./support/spans.ts";

const limits = { coalesceMs: 1, initialBackoffMs: 10, maxBackoffMs: 20, shutdownFlushMs: 0 };

describe("exporting over TLS", () => {
  let folder: string;
  let certificates: TestCertificates;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "labkit-tls-"));
    certificates = await makeCertificates(folder);
  });
  after(() => rm(folder, { recursive: true }));

  for (const protocol of ["http", "grpc"] as const) {
    test(`${protocol}: an own authority is trusted when it is given`, async () => {
      await using receiver = await startOtlpReceiver({ protocol, tls: certificates.server });
      const stats = await exportOne(receiver.url, { caFile: certificates.caFile });
      assert.equal(stats.exportedSpans, 1);
    });

    test(`${protocol}: a client certificate is shown to an endpoint that wants one`, async () => {
      const tls = { ...certificates.server, clientCa: certificates.ca };
      await using receiver = await startOtlpReceiver({ protocol, tls });
      const { caFile, certFile, keyFile } = certificates;
      assert.equal((await exportOne(receiver.url, { caFile })).exportedSpans, 0);
      assert.equal((await exportOne(receiver.url, { caFile, certFile, keyFile })).exportedSpans, 1);
    });
  }

  for (const protocol of ["http", "grpc"] as const) {
    test(`${protocol}: files that appear or change later are read then`, async () => {
      await using receiver = await startOtlpReceiver({ protocol, tls: certificates.server });
      await using pool = createEndpointPool({ log: silentLog, limits });
      const caFile = join(folder, `${protocol}-later.pem`);
      const endpoint = pool.endpoint({ url: receiver.url, tls: { caFile } });
      endpoint.enqueue(aSpan(1));
      assert.equal((await endpoint.flush({ signal: AbortSignal.timeout(50) })).kind, "left");
      await copyFile(certificates.caFile, caFile);
      assert.equal((await endpoint.flush({ signal: AbortSignal.timeout(5_000) })).kind, "flushed");
      assert.equal(receiver.spans.length, 1);
    });
  }
});

async function exportOne(
  url: string,
  tls: { caFile?: string; certFile?: string; keyFile?: string } | undefined,
): Promise<EndpointStats> {
  await using pool = createEndpointPool({ log: silentLog, limits });
  const endpoint = pool.endpoint({ url, ...(tls === undefined ? {} : { tls }) });
  endpoint.enqueue(aSpan(1));
  const signal = AbortSignal.timeout(1_000);
  await endpoint.flush({ signal: AbortSignal.any([signal, failureOf(() => endpoint.stats(), signal)]) });
  return endpoint.stats();
}

/** Aborts as soon as a failed request shows in the stats: there is nothing more to wait for. */
function failureOf(stats: () => EndpointStats, until: AbortSignal): AbortSignal {
  const failed = new AbortController();
  const timer = setInterval(() => stats().retriedRequests > 0 && failed.abort(), 5);
  for (const signal of [until, failed.signal]) signal.addEventListener("abort", () => clearInterval(timer));
  return failed.signal;
}
