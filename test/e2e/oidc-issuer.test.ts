import assert from "node:assert/strict";
import { test } from "node:test";
import { startCollector } from "@jobscope/collector";
import { type AuthSpec, createEndpointPool, silentLog } from "@jobscope/labkit";
import { aSpan } from "@jobscope/labkit/testing";
import { startOidcProvider } from "@jobscope/labkit/testing/oidc-provider";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const audience = "https://collector.example.com";
const listen = { otlpHttp: "127.0.0.1:0", otlpGrpc: "127.0.0.1:0", api: "127.0.0.1:0" };

test("a real OIDC issuer's tokens open the collector; another issuer's, and none, do not", async () => {
  await using directory = await temporaryDirectory();
  await using issuer = await startOidcProvider({ audience });
  await using other = await startOidcProvider({ audience });
  await using collector = await startCollector({
    ...listen,
    log: silentLog,
    store: { kind: "embedded", dataDir: directory.path },
    auth: { oidc: [{ issuer: issuer.url, audience }] },
  });
  await using pool = createEndpointPool({ log: silentLog, limits: { coalesceMs: 5, shutdownFlushMs: 0 } });
  for (const url of [collector.otlpHttpUrl ?? "", collector.otlpGrpcUrl ?? ""]) {
    const [guest, stranger, nobody] = [
      pool.endpoint({ url, auth: credentialsAt(issuer.url) }),
      pool.endpoint({ url, auth: credentialsAt(other.url) }),
      pool.endpoint({ url }),
    ];
    for (const endpoint of [guest, stranger, nobody]) endpoint.enqueue(aSpan(1));
    await pool.flush({ signal: AbortSignal.timeout(10_000) });
    assert.equal(guest.stats().exportedSpans, 1);
    for (const refused of [stranger, nobody]) {
      assert.partialDeepStrictEqual(refused.stats(), { exportedSpans: 0, droppedSpans: { unauthorized: 1 } });
    }
  }
});

function credentialsAt(issuer: string): AuthSpec {
  return {
    kind: "oauth2-client-credentials",
    issuer,
    clientId: "runner",
    clientSecret: { kind: "value", value: "s3cret+/" },
    scope: "otlp",
    resource: audience,
  };
}
