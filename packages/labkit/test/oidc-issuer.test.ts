import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type AuthSpec, createEndpointPool, silentLog } from "@jobscope/labkit";
import { readJwtClaims } from "../src/auth/jwt-claims.ts";
import { type OidcProvider, startOidcProvider } from "./support/oidc-provider.ts";
import { startOtlpReceiver } from "./support/otlp-receiver.ts";
import { aSpan } from "./support/spans.ts";

const collector = "https://collector.example.com";

describe("with a real OIDC issuer", () => {
  const cleanUp = new AsyncDisposableStack();
  let issuer: OidcProvider;
  before(async () => {
    issuer = cleanUp.use<OidcProvider>(await startOidcProvider({ audience: collector }));
  });
  after(() => cleanUp.disposeAsync());

  const auth = (clientSecret: string): AuthSpec => ({
    kind: "oauth2-client-credentials",
    issuer: issuer.url,
    clientId: "runner",
    clientSecret: { kind: "value", value: clientSecret },
    scope: "otlp",
    resource: collector,
  });

  test("endpoints with the same client send one token, which the issuer's key verifies, for the audience asked for", async () => {
    await using receivers = new AsyncDisposableStack();
    const [one, two] = [receivers.use(await startOtlpReceiver()), receivers.use(await startOtlpReceiver())];
    await using pool = createEndpointPool({ log: silentLog, limits: { coalesceMs: 1, shutdownFlushMs: 0 } });
    for (const { url } of [one, two]) pool.endpoint({ url, auth: auth("s3cret+/") }).enqueue(aSpan(1));
    await pool.flush({ signal: AbortSignal.timeout(10_000) });
    const [sent, same] = [one, two].map(({ requests }) => String(requests[0]?.headers["authorization"]));
    assert.equal(sent, same);
    const token = sent?.replace("Bearer ", "") ?? "";
    assert.ok(await issuer.verifies(token));
    assert.partialDeepStrictEqual(readJwtClaims(token), {
      iss: issuer.url,
      aud: collector,
      client_id: "runner",
      scope: "otlp",
    });
  });

  test("a wrong secret is said so, and nothing is sent", async () => {
    await using receiver = await startOtlpReceiver();
    await using pool = createEndpointPool({ log: silentLog, limits: { coalesceMs: 1, shutdownFlushMs: 0 } });
    const endpoint = pool.endpoint({ url: receiver.url, auth: auth("wrong") });
    endpoint.enqueue(aSpan(1));
    const flushed = await endpoint.flush({ signal: AbortSignal.timeout(200) });
    assert.deepEqual(flushed, { kind: "left", spans: 1 });
    assert.match(endpoint.stats().lastFailure?.why ?? "", /\/token answered HTTP status 401/);
    assert.equal(receiver.requests.length, 0);
  });
});
