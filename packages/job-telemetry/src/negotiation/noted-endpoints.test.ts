import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultTelemetryPolicy, type TelemetryPolicy } from "../policy.ts";
import { negotiate } from "./negotiate.ts";
import { notedEndpoints, noteOfEndpoint } from "./noted-endpoints.ts";

const type = "http_bearer_gcp_oidc";
const own = { url: "https://own.example.com", auth: { kind: "bearer-file", path: "/run/token" } } as const;
const offered = [
  { url: "grpc://otel.example.com:4317" },
  { url: "https://otel.example.com/v1/traces", auth: { type, [type]: { audience: "https://otel.example.com" } } },
];
const payload = { features: { tracing: { trace_id: "4d".padStart(32, "0"), otel_endpoints: offered } } };
const policy: TelemetryPolicy = {
  ...defaultTelemetryPolicy,
  endpointPolicy: "add",
  staticEndpoints: [own],
  payloadEndpoints: { allowedHosts: ["*.example.com"], settingsFor: () => ({ timeoutMs: 5_000 }) },
};

function negotiated() {
  const negotiation = negotiate(payload, policy);
  assert(negotiation.kind === "traced");
  return negotiation.endpoints;
}

test("the endpoints of a payload are asked for again by their notes, the operator's own have none", () => {
  const endpoints = negotiated();
  assert.equal(endpoints.length, 3);
  const notes = endpoints.map((endpoint) => noteOfEndpoint(endpoint, policy));
  assert.equal(notes[2], undefined);
  const again = notedEndpoints([notes[0] ?? "", notes[1] ?? ""], policy);
  assert.deepEqual(again, { endpoints: endpoints.slice(0, 2), warnings: [] });
});

test("what the operator changed meanwhile holds for endpoints of notes too", () => {
  const notes = negotiated().flatMap((endpoint) => noteOfEndpoint(endpoint, policy) ?? []);
  const kept = (change: Partial<TelemetryPolicy>) => notedEndpoints(notes, { ...policy, ...change }).endpoints;
  assert.deepEqual(kept({ mode: "off" }), []);
  assert.deepEqual(kept({ endpointPolicy: "static-only" }), []);
  const { settingsFor } = policy.payloadEndpoints;
  assert.deepEqual(kept({ payloadEndpoints: { allowedHosts: ["else.example.com"], settingsFor } }), []);
  const [other] = kept({ payloadEndpoints: { ...policy.payloadEndpoints, settingsFor: () => ({ timeoutMs: 7 }) } });
  assert.equal(other?.timeoutMs, 7);
});

test("credentials that no payload can name are not noted, and what is no note is left out with a warning", () => {
  const secret = { url: "https://otel.example.com", auth: { kind: "bearer", token: "s3cret" } } as const;
  assert.equal(noteOfEndpoint(secret, policy), undefined);
  for (const note of ["", '{"url":', '{"url":"ftp://h"}', "[]", "null"]) {
    const { endpoints, warnings } = notedEndpoints([note], policy);
    assert.deepEqual([endpoints.length, warnings.length], [0, 1], note);
  }
});
