import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createEndpointPool, type EndpointSpec, type EndpointStats, silentLog } from "@jobscope/labkit";
import { makeCertificates, type TestCertificates } from "./support/certificates.ts";
import { startHttpProxy } from "./support/http-proxy.ts";
import { startOtlpReceiver } from "./support/otlp-receiver.ts";
import { aSpan } from "./support/spans.ts";

const limits = { coalesceMs: 1, initialBackoffMs: 10, maxBackoffMs: 20, shutdownFlushMs: 0 };

describe("an endpoint behind an HTTP proxy", () => {
  let folder: string;
  let certificates: TestCertificates;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "labkit-proxy-"));
    certificates = await makeCertificates(folder);
  });
  after(() => rm(folder, { recursive: true }));

  for (const protocol of ["http", "grpc"] as const) {
    for (const isSecure of [false, true]) {
      const scheme = `${protocol}${isSecure ? "s" : ""}`;
      const start = () => startOtlpReceiver({ protocol, ...(isSecure ? { tls: certificates.server } : {}) });
      const specOf = (url: string, proxyUrl: string): EndpointSpec => ({
        url,
        proxyUrl,
        ...(isSecure ? { tls: { caFile: certificates.caFile } } : {}),
        auth: { kind: "bearer", token: "token" },
        timeoutMs: 5_000,
      });

      test(`${scheme}: spans go through it, over one connection, and only it sees its password`, async () => {
        await using receiver = await start();
        await using proxy = await startHttpProxy({ userInfo: "user:pass%40word" });
        const stats = await exportTwo(specOf(receiver.url, proxy.url));
        assert.equal(stats.exportedSpans, 2);
        const isPassedOn = scheme === "http";
        const asked = isPassedOn ? `POST ${receiver.url}/v1/traces` : `CONNECT 127.0.0.1:${receiver.port}`;
        assert.deepEqual(proxy.asked, isPassedOn ? [asked, asked] : [asked]);
        assert.deepEqual(proxy.refused, []);
        const headers = receiver.requests[0]?.headers ?? {};
        assert.equal(headers["proxy-authorization"], undefined);
        assert.equal(headers["authorization"], "Bearer token");
        assert.equal(headers["host"] ?? headers[":authority"], `127.0.0.1:${receiver.port}`);
      });

      test(`${scheme}: spans wait while it does not let us through or is absent`, async () => {
        await using receiver = await start();
        let proxyUrl: string;
        {
          await using proxy = await startHttpProxy({ userInfo: "user:password" });
          proxyUrl = proxy.url.replace("password", "secret");
          const refused = await exportTwo(specOf(receiver.url, proxyUrl));
          assert.partialDeepStrictEqual(refused, { exportedSpans: 0, droppedSpans: { unauthorized: 0, refused: 0 } });
          assert.ok(proxy.refused.length > 0);
          if (protocol === "http") assert.match(refused.lastFailure?.why ?? "", /proxy.*status 407/);
          assert.doesNotMatch(refused.lastFailure?.why ?? "", /secret/);
        }
        const absent = await exportTwo(specOf(receiver.url, proxyUrl));
        assert.equal(absent.exportedSpans, 0);
        assert.ok(absent.lastFailure !== undefined);
        assert.equal(receiver.requests.length, 0);
      });
    }
  }
});

/** Until they are delivered, or a failure shows. */
async function exportTwo(spec: EndpointSpec): Promise<EndpointStats> {
  await using pool = createEndpointPool({ log: silentLog, limits });
  const endpoint = pool.endpoint(spec);
  for (const number of [1, 2]) {
    endpoint.enqueue(aSpan(number));
    const failed = new AbortController();
    const looking = setInterval(() => endpoint.stats().lastFailure !== undefined && failed.abort(), 5);
    await endpoint.flush({ signal: AbortSignal.any([failed.signal, AbortSignal.timeout(10_000)]) });
    clearInterval(looking);
  }
  return endpoint.stats();
}
