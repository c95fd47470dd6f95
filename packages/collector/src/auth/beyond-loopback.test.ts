import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError } from "../config-error.ts";
import { assertAuthenticated } from "./beyond-loopback.ts";
import type { CollectorAuth } from "./collector-auth.ts";

const oidc = [{ issuer: "https://issuer.test", audience: "spans" }];
const tls = { cert: "c", key: "k" };
const rules: readonly [title: string, auth: CollectorAuth, refusedKeys: readonly string[]][] = [
  ["nothing", {}, ["otlpHttp", "otlpGrpc", "api"]],
  ["an empty list of issuers", { oidc: [] }, ["otlpHttp", "otlpGrpc", "api"]],
  ["TLS without a client authority", { tls }, ["otlpHttp", "otlpGrpc", "api"]],
  ["senders' tokens", { tokenFile: "f" }, ["api"]],
  ["an issuer", { oidc }, ["api"]],
  ["job tokens", { jobTokensOf: "https://gitlab.test" }, ["api"]],
  ["a client authority", { tls: { ...tls, clientCa: "a" } }, ["api"]],
  ["the API's tokens", { apiTokenFile: "f" }, ["otlpHttp", "otlpGrpc"]],
  ["both tokens", { tokenFile: "f", apiTokenFile: "g" }, []],
  ["permission to do without", { dangerouslyAllowUnauthenticated: true }, []],
];
for (const [title, auth, expected] of rules) {
  test(`with ${title}, beyond loopback is refused for ${expected.join(", ") || "none"}`, () => {
    assert.deepEqual(refusedKeys("0.0.0.0", auth), expected);
    assert.deepEqual(refusedKeys("spans.test", auth), expected);
    assert.deepEqual(refusedKeys("127.0.0.1", auth), []);
  });
}

test("the refusal names the address, the option and what would help", () => {
  const address = { host: "::", port: 4318 };
  assert.throws(
    () => assertAuthenticated({ otlpHttp: address, otlpGrpc: undefined, api: undefined }, {}),
    /^ConfigError: otlpHttp: \[::\]:4318 is beyond loopback .*; set auth\.tokenFile, .* or auth\.dangerouslyAllowUnauthenticated$/,
  );
});

function refusedKeys(host: string, auth: CollectorAuth): string[] {
  const address = { host, port: 1 };
  try {
    assertAuthenticated({ otlpHttp: address, otlpGrpc: address, api: address }, auth);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ key }) => key);
    throw error;
  }
}
