import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync, type JsonWebKey, verify } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { type AuthSpec, createEndpointPool, silentLog } from "@jobscope/labkit";
import Provider from "oidc-provider";
import { readJwtClaims } from "../src/auth/jwt-claims.ts";
import { startOtlpReceiver } from "./support/otlp-receiver.ts";
import { aSpan } from "./support/spans.ts";

const collector = "https://collector.example.com";

describe("with a real OIDC issuer", () => {
  const cleanUp = new AsyncDisposableStack();
  let issuer: Issuer;
  before(async () => {
    issuer = cleanUp.use(await startOidcProvider());
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

interface Issuer extends AsyncDisposable {
  readonly url: string;
  verifies(token: string): Promise<boolean>;
}

/** `oidc-provider` with one client that may ask for tokens of the collector. */
async function startOidcProvider(): Promise<Issuer> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
  const provider = new Provider(url, {
    clients: [
      {
        client_id: "runner",
        client_secret: "s3cret+/",
        grant_types: ["client_credentials"],
        redirect_uris: [],
        response_types: [],
      },
    ],
    jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), alg: "RS256", use: "sig" }] },
    ttl: { ClientCredentials: 600 },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({ scope: "otlp", audience: collector, accessTokenFormat: "jwt" }),
      },
    },
  });
  server.on("request", provider.callback());
  return {
    url,
    async verifies(token) {
      const { keys } = (await (await fetch(`${url}/jwks`)).json()) as { keys: JsonWebKey[] };
      const [head, claims, signature = ""] = token.split(".");
      const key = createPublicKey({ key: keys[0] ?? {}, format: "jwk" });
      return verify("RSA-SHA256", Buffer.from(`${head}.${claims}`), key, Buffer.from(signature, "base64url"));
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
