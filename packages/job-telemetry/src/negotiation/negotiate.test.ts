import assert from "node:assert/strict";
import { test } from "node:test";
import type { EndpointSpec } from "@jobscope/labkit";
import fc from "fast-check";
import { defaultTelemetryPolicy, type TelemetryPolicy } from "../policy.ts";
import { negotiate } from "./negotiate.ts";
import type { Negotiation } from "./negotiation.ts";

const traceId = "000000000000000000000000000004d2";
const parentSpanId = "00f067aa0ba902b7";
const collector = { url: "https://otel.example.com/v1/traces" };
const other = { url: "grpcs://otel.example.com:4317" };
const own: EndpointSpec = { url: "https://own.example.com", auth: { kind: "bearer-file", path: "/run/token" } };
const oidc = { type: "http_bearer_gcp_oidc", http_bearer_gcp_oidc: { audience: "https://otel.example.com" } };
const pipelineVariable = { key: "CI_PIPELINE_ID", value: "1234" };

/** The payload of GitLab's shipped form with one endpoint, changed by `tracing`. */
function shipped(tracing: Record<string, unknown> = {}) {
  return {
    features: { tracing: { trace_id: traceId, span_parent_id: parentSpanId, otel_endpoints: [collector], ...tracing } },
  };
}

function withEndpoints(...entries: unknown[]) {
  return shipped({ otel_endpoints: entries });
}

/** As it arrives: through JSON, so that `__proto__` is a key like any other. */
function json(text: string): unknown {
  return JSON.parse(text);
}

interface Case {
  readonly name: string;
  readonly payload: unknown;
  readonly policy?: Partial<TelemetryPolicy>;
  /** What must be in the result; everything of it that is not named here is not compared. */
  readonly expected:
    | Partial<Extract<Negotiation, { kind: "traced" }>>
    | Partial<Extract<Negotiation, { kind: "untraced" }>>;
  /** `where` of each warning, in order; undefined where a warning has none. Default: no warnings. */
  readonly warnedOf?: readonly (string | undefined)[];
}

const tracing = "features.tracing";
const entry = (index: number) => `${tracing}.otel_endpoints[${index}]`;
const traced = { kind: "traced", traceId, parentSpanId } as const;
const untraced = { kind: "untraced", warn: true } as const;
const unasked = { kind: "untraced", warn: false } as const;
const usesStatic = { staticEndpoints: [own] };

function allowing(...allowedHosts: string[]): Partial<TelemetryPolicy> {
  return { payloadEndpoints: { ...defaultTelemetryPolicy.payloadEndpoints, allowedHosts } };
}

const valid: Case[] = [
  { name: "the shipped form", payload: shipped(), expected: { ...traced, form: tracing, endpoints: [collector] } },
  {
    name: "the shipped form without a parent",
    payload: shipped({ span_parent_id: undefined }),
    expected: { ...traced, parentSpanId: undefined },
  },
  {
    name: "the shipped form with a parent of null",
    payload: shipped({ span_parent_id: null }),
    expected: { ...traced, parentSpanId: undefined },
  },
  {
    name: "a trigger job's id as parent",
    payload: shipped({ span_parent_id: "0000000000001267" }),
    expected: { ...traced, parentSpanId: "0000000000001267" },
  },
  { name: "auth of null", payload: withEndpoints({ ...collector, auth: null }), expected: { endpoints: [collector] } },
  {
    name: "Google's ID token as auth",
    payload: withEndpoints({ ...collector, auth: oidc }),
    policy: allowing("otel.example.com"),
    expected: { endpoints: [{ ...collector, auth: { kind: "gcp-oidc", audience: "https://otel.example.com" } }] },
  },
  { name: "two endpoints", payload: withEndpoints(collector, other), expected: { endpoints: [collector, other] } },
  {
    name: "fields that nobody knows",
    payload: { x: 1, ...shipped({ y: {}, otel_endpoints: [{ ...collector, z: 2 }] }) },
    expected: { ...traced, endpoints: [collector] },
  },
  ...["http", "https", "grpc", "grpcs", "HTTPS", "Grpc"].map((scheme) => ({
    name: `the scheme ${scheme}`,
    payload: withEndpoints({ url: `${scheme}://collector:4318/x` }),
    expected: { endpoints: [{ url: `${scheme.toLowerCase()}://collector:4318/x` }] },
  })),
  {
    name: "a URL without a path",
    payload: withEndpoints({ url: "http://[::1]:4318" }),
    expected: { endpoints: [{ url: "http://[::1]:4318" }] },
  },
  {
    name: "the original design with static endpoints",
    payload: { features: { job_telemetry: true }, trace_context: { trace_id: traceId, span_parent_id: parentSpanId } },
    policy: usesStatic,
    expected: { ...traced, form: "trace_context", endpoints: [own] },
  },
  {
    name: "the original design without a parent",
    payload: { features: { job_telemetry: true }, trace_context: { trace_id: traceId } },
    policy: usesStatic,
    expected: { ...traced, parentSpanId: undefined },
  },
  {
    name: "both forms: the shipped one wins",
    payload: {
      ...shipped(),
      trace_context: { trace_id: "f".repeat(32) },
      features: { ...shipped().features, job_telemetry: true },
    },
    expected: { ...traced, form: tracing },
  },
  { name: "no word of telemetry", payload: { id: 1, features: { trace_sections: true } }, expected: unasked },
  { name: "tracing of null", payload: { features: { tracing: null } }, expected: unasked },
  {
    name: "a trace_context that nobody announced",
    payload: { features: {}, trace_context: { trace_id: traceId } },
    policy: usesStatic,
    expected: unasked,
  },
  {
    name: "job_telemetry of false",
    payload: { features: { job_telemetry: false }, trace_context: { trace_id: traceId } },
    policy: usesStatic,
    expected: unasked,
  },
  { name: "no endpoints, as GitLab may say it", payload: shipped({ otel_endpoints: [] }), expected: unasked },
  { name: "telemetry that is off", payload: shipped(), policy: { mode: "off", ...usesStatic }, expected: unasked },
];

const drafts: Case[] = [
  {
    name: "bare URLs as endpoints",
    payload: withEndpoints(collector.url, other.url),
    expected: { ...traced, endpoints: [collector, other] },
  },
  {
    name: "a bare URL beside an object",
    payload: withEndpoints(collector.url, { ...other, auth: oidc }),
    policy: allowing("*.example.com"),
    expected: {
      endpoints: [collector, { ...other, auth: { kind: "gcp-oidc", audience: "https://otel.example.com" } }],
    },
  },
  {
    name: "no otel_endpoints, static ones instead",
    payload: shipped({ otel_endpoints: undefined }),
    policy: usesStatic,
    expected: { ...traced, endpoints: [own] },
  },
  {
    name: "otel_endpoints of null, static ones instead",
    payload: shipped({ otel_endpoints: null }),
    policy: usesStatic,
    expected: { ...traced, endpoints: [own] },
  },
];

const policies: Case[] = [
  {
    name: "fallback: the payload's endpoints alone",
    payload: shipped(),
    policy: usesStatic,
    expected: { endpoints: [collector] },
  },
  {
    name: "add: the payload's and the static ones",
    payload: shipped(),
    policy: { ...usesStatic, endpointPolicy: "add" },
    expected: { endpoints: [collector, own] },
  },
  {
    name: "add: one place is sent to once",
    payload: shipped(),
    policy: { staticEndpoints: [collector, own], endpointPolicy: "add" },
    expected: { endpoints: [collector, own] },
  },
  {
    name: "static-only: the payload's are not even read",
    payload: withEndpoints(7),
    policy: { ...usesStatic, endpointPolicy: "static-only" },
    expected: { ...traced, endpoints: [own] },
  },
  {
    name: "static-only without static endpoints",
    payload: shipped(),
    policy: { endpointPolicy: "static-only" },
    expected: untraced,
  },
  {
    name: "a local viewer makes up for endpoints",
    payload: shipped({ otel_endpoints: [] }),
    policy: { hasLocalViewer: true },
    expected: { ...traced, endpoints: [] },
  },
  {
    name: "always: the pipeline's id is the trace",
    payload: { variables: [pipelineVariable] },
    policy: { mode: "always", ...usesStatic },
    expected: { kind: "traced", form: "forced", traceId, parentSpanId: undefined, endpoints: [own] },
  },
  {
    name: "always: the last variable wins",
    payload: { variables: [{ key: "CI_PIPELINE_ID", value: "9" }, pipelineVariable] },
    policy: { mode: "always", ...usesStatic },
    expected: { traceId },
  },
  {
    name: "always: job_info names the pipeline too",
    payload: { job_info: { pipeline_id: 1234 } },
    policy: { mode: "always", ...usesStatic },
    expected: { traceId },
  },
  {
    name: "always: what is negotiated comes first",
    payload: { ...shipped(), variables: [{ key: "CI_PIPELINE_ID", value: "9" }] },
    policy: { mode: "always", ...usesStatic },
    expected: { ...traced, form: tracing },
  },
  {
    name: "always without endpoints",
    payload: { variables: [pipelineVariable] },
    policy: { mode: "always" },
    expected: untraced,
  },
  {
    name: "always without a pipeline",
    payload: {},
    policy: { mode: "always", ...usesStatic },
    expected: untraced,
    warnedOf: ["CI_PIPELINE_ID"],
  },
  {
    name: "always with a malformed pipeline id",
    payload: { variables: [{ key: "CI_PIPELINE_ID", value: "-1" }] },
    policy: { mode: "always", ...usesStatic },
    expected: untraced,
    warnedOf: ["CI_PIPELINE_ID"],
  },
  {
    name: "always with a malformed offer",
    payload: { ...shipped({ trace_id: "x" }), variables: [pipelineVariable] },
    policy: { mode: "always", ...usesStatic },
    expected: { kind: "traced", form: "forced" },
    warnedOf: [`${tracing}.trace_id`],
  },
  {
    name: "the original design without any endpoint",
    payload: { features: { job_telemetry: true }, trace_context: { trace_id: traceId } },
    expected: untraced,
  },
];

const malformedIds: Case[] = [
  { name: "a trace id of 31 digits", value: traceId.slice(1) },
  { name: "a trace id of 33 digits", value: `${traceId}0` },
  { name: "an upper-case trace id", value: "000000000000000000000000000004D2" },
  { name: "an all-zero trace id", value: "0".repeat(32) },
  { name: "a trace id with a line feed", value: `${traceId}\n` },
  { name: "a trace id that is no hex", value: "g".repeat(32) },
  { name: "a number as trace id", value: 1234 },
  { name: "a list as trace id", value: [traceId] },
  { name: "an object as trace id", value: { toString: "x" } },
  { name: "a trace id of null", value: null },
  { name: "no trace id", value: undefined },
].map(({ name, value }) => ({
  name,
  payload: shipped({ trace_id: value }),
  expected: untraced,
  warnedOf: [`${tracing}.trace_id`],
}));

const malformedParents: Case[] = [
  { name: "an upper-case parent", value: parentSpanId.toUpperCase() },
  { name: "an all-zero parent", value: "0".repeat(16) },
  { name: "a parent of 15 digits", value: parentSpanId.slice(1) },
  { name: "a parent as long as a trace id", value: traceId },
  { name: "a number as parent", value: 4711 },
  { name: "an empty parent", value: "" },
].map(({ name, value }) => ({
  name: `${name}: the job is a root span of that trace`,
  payload: shipped({ span_parent_id: value }),
  expected: { ...traced, parentSpanId: undefined },
  warnedOf: [`${tracing}.span_parent_id`],
}));

const asksForToken = { ...collector, auth: oidc };
const tokenSent = [{ ...collector, auth: { kind: "gcp-oidc", audience: "https://otel.example.com" } }] as const;
const listedHosts: readonly { readonly listed: string; readonly url: string; readonly isAllowed: boolean }[] = [
  { listed: "otel.example.com", url: "https://otel.example.com/v1/traces", isAllowed: true },
  { listed: "OTEL.example.com", url: "https://Otel.Example.com:8443", isAllowed: true },
  { listed: "otel.example.com:4317", url: "grpcs://otel.example.com:4317", isAllowed: true },
  { listed: "otel.example.com:4317", url: "grpcs://otel.example.com:4318", isAllowed: false },
  { listed: "*.example.com", url: "https://a.b.example.com", isAllowed: true },
  { listed: "*.example.com", url: "https://example.com", isAllowed: false },
  { listed: "*.example.com", url: "https://evilexample.com", isAllowed: false },
  { listed: "*.example.com", url: "https://a.example.com.evil.org", isAllowed: false },
  { listed: "example.com", url: "https://otel.example.com", isAllowed: false },
  { listed: "[::1]:4317", url: "grpc://[::1]:4317", isAllowed: true },
  { listed: "*", url: "https://anywhere.example.org", isAllowed: true },
];

const hosts: Case[] = [
  {
    name: "an endpoint that asks for a token, when no host is allowed: never sent without it instead",
    payload: withEndpoints(asksForToken),
    expected: untraced,
    warnedOf: [undefined],
  },
  {
    name: "an endpoint that asks for a token, when no host is allowed: the static ones stand in",
    payload: withEndpoints(asksForToken),
    policy: usesStatic,
    expected: { endpoints: [own] },
    warnedOf: [undefined],
  },
  {
    name: "an endpoint that asks for a token at the host of a static one",
    payload: withEndpoints(asksForToken),
    policy: { staticEndpoints: [{ url: "grpcs://otel.example.com:4317" }] },
    expected: { endpoints: tokenSent },
  },
  {
    name: "an endpoint without a token at a host that is not on the list",
    payload: withEndpoints(collector, other),
    policy: allowing("otel.example.com:4317"),
    expected: { endpoints: [other] },
    warnedOf: [undefined],
  },
  {
    name: "an empty list: only the static endpoints' hosts",
    payload: withEndpoints(collector, "https://own.example.com"),
    policy: { ...usesStatic, ...allowing() },
    expected: { endpoints: [{ url: "https://own.example.com" }] },
    warnedOf: [undefined],
  },
  {
    name: "settings for the payload's endpoints",
    payload: withEndpoints(collector),
    policy: { payloadEndpoints: { allowedHosts: undefined, settingsFor: (url) => ({ timeoutMs: url.length }) } },
    expected: { endpoints: [{ ...collector, timeoutMs: collector.url.length }] },
  },
  ...listedHosts.map(({ listed, url, isAllowed }) => ({
    name: `${url} ${isAllowed ? "is" : "is not"} allowed by ${listed}`,
    payload: withEndpoints(url),
    policy: allowing(listed),
    expected: { kind: isAllowed ? ("traced" as const) : ("untraced" as const) },
    warnedOf: isAllowed ? [] : [undefined],
  })),
];

const malformed: Case[] = [
  ...malformedIds,
  ...malformedParents,
  ...[true, "yes", 1, []].map((value) => ({
    name: `tracing of ${JSON.stringify(value)}`,
    payload: { features: { tracing: value } },
    expected: untraced,
    warnedOf: [`${tracing}.trace_id`],
  })),
  {
    name: "job_telemetry without trace_context",
    payload: { features: { job_telemetry: true } },
    policy: usesStatic,
    expected: untraced,
    warnedOf: ["trace_context.trace_id"],
  },
  {
    name: "the shipped form malformed, the designed one well",
    payload: { features: { tracing: {}, job_telemetry: true }, trace_context: { trace_id: traceId } },
    policy: usesStatic,
    expected: { kind: "traced", form: "trace_context" },
    warnedOf: [`${tracing}.trace_id`],
  },
  ...[undefined, null, 7, "text", [], true].map((payload) => ({
    name: `a payload of ${JSON.stringify(payload)}`,
    payload,
    expected: unasked,
  })),
  ...[null, [], "on"].map((features) => ({
    name: `features of ${JSON.stringify(features)}`,
    payload: { features },
    expected: unasked,
  })),
  {
    name: "endpoints that are no array",
    payload: shipped({ otel_endpoints: collector.url }),
    expected: untraced,
    warnedOf: [`${tracing}.otel_endpoints`],
  },
  ...[7, null, [], true].map((value) => ({
    name: `${JSON.stringify(value)} as endpoint, a good one after it`,
    payload: withEndpoints(value, collector),
    expected: { ...traced, endpoints: [collector] },
    warnedOf: [entry(0)],
  })),
  {
    name: "an endpoint without a URL",
    payload: withEndpoints({ auth: null }),
    expected: untraced,
    warnedOf: [`${entry(0)}.url`],
  },
  {
    name: "a malformed endpoint and static ones",
    payload: withEndpoints({}),
    policy: usesStatic,
    expected: { ...traced, endpoints: [own] },
    warnedOf: [`${entry(0)}.url`],
  },
];

const refusedUrls = [
  "",
  "collector:4318",
  "file:///etc/passwd",
  "ftp://collector",
  "javascript:alert(1)",
  "unix:///run/x",
  "http:collector",
  "http:///collector",
  "https://",
  "http://a b/",
  "http://a\\@b/",
  "http://a\n.example",
  "http://host:99999/",
  `http://${"a".repeat(3000)}`,
  "ws://collector",
  "grpc+unix://x",
];

const hostile: Case[] = [
  ...refusedUrls.map((url) => ({
    name: `the URL ${JSON.stringify(url.slice(0, 30))}`,
    payload: withEndpoints({ url }),
    expected: untraced,
    warnedOf: [`${entry(0)}.url`],
  })),
  {
    name: "credentials in a URL",
    payload: withEndpoints({ url: "https://user:secret@otel.example.com/v1/traces" }),
    expected: { endpoints: [collector] },
    warnedOf: [`${entry(0)}.url`],
  },
  {
    name: "a query and a fragment in a URL",
    payload: withEndpoints({ url: `${collector.url}?token=secret#x` }),
    expected: { endpoints: [collector] },
    warnedOf: [`${entry(0)}.url`],
  },
  ...[
    { type: "basic" },
    {},
    { type: null },
    { type: ["http_bearer_gcp_oidc"] },
    { type: "__proto__" },
    "none",
    true,
    [],
  ].map((auth) => ({
    name: `auth of ${JSON.stringify(auth)}: never sent without auth instead`,
    payload: withEndpoints({ ...collector, auth }),
    expected: untraced,
    warnedOf: [`${entry(0)}.auth.type`],
  })),
  ...[{}, { audience: "" }, { audience: 7 }, null, "x"].map((value) => ({
    name: `an audience in ${JSON.stringify(value)}`,
    payload: withEndpoints(
      { ...collector, auth: { type: "http_bearer_gcp_oidc", http_bearer_gcp_oidc: value } },
      other,
    ),
    expected: { ...traced, endpoints: [other] },
    warnedOf: [`${entry(0)}.auth.http_bearer_gcp_oidc.audience`],
  })),
  {
    name: "three endpoints: the first two",
    payload: withEndpoints(collector, other, "http://third"),
    expected: { endpoints: [collector, other] },
    warnedOf: [undefined],
  },
  {
    name: "one endpoint three times: once",
    payload: withEndpoints(collector, collector, collector),
    expected: { endpoints: [collector] },
    warnedOf: [undefined],
  },
  {
    name: "a million endpoints",
    payload: shipped({ otel_endpoints: Array(1_000_000).fill(collector.url) }),
    expected: { endpoints: [collector] },
    warnedOf: [undefined],
  },
  {
    name: "a million malformed endpoints",
    payload: shipped({ otel_endpoints: Array(1_000_000).fill(0) }),
    expected: untraced,
    warnedOf: [...Array.from({ length: 16 }, (_, index) => entry(index)), undefined],
  },
  {
    name: "features below __proto__",
    payload: json(`{"__proto__":{"features":{"tracing":{"trace_id":"${traceId}"}}}}`),
    policy: usesStatic,
    expected: unasked,
  },
  {
    name: "tracing below __proto__",
    payload: json(`{"features":{"__proto__":{"tracing":{"trace_id":"${traceId}"}}}}`),
    policy: usesStatic,
    expected: unasked,
  },
  {
    name: "ids below __proto__",
    payload: json(`{"features":{"tracing":{"__proto__":{"trace_id":"${traceId}"}}}}`),
    policy: usesStatic,
    expected: untraced,
    warnedOf: [`${tracing}.trace_id`],
  },
  {
    name: "constructor and toString as keys",
    payload: json(
      `{"features":{"tracing":{"trace_id":"${traceId}","constructor":1,"toString":2,"otel_endpoints":[{"url":"http://a","hasOwnProperty":1}]}}}`,
    ),
    expected: { kind: "traced", endpoints: [{ url: "http://a" }] },
  },
  {
    name: "an inherited tracing",
    payload: { features: Object.create(shipped().features) },
    policy: usesStatic,
    expected: unasked,
  },
  {
    name: "a getter that throws",
    payload: {
      get features() {
        throw new Error("no");
      },
    },
    expected: untraced,
  },
];

for (const [kind, cases] of Object.entries({ valid, drafts, policies, hosts, malformed, hostile })) {
  for (const { name, payload, policy, expected, warnedOf = [] } of cases) {
    test(`negotiation, ${kind}: ${name}`, () => {
      const result = negotiate(payload, { ...defaultTelemetryPolicy, ...policy });
      for (const [key, value] of Object.entries(expected))
        assert.deepEqual(result[key as keyof Negotiation], value, key);
      assert.deepEqual(
        result.warnings.map(({ fields }) => fields["where"]),
        warnedOf,
      );
    });
  }
}

test("no text of the payload but a scheme or a kind of auth is in a warning", () => {
  const secret = "s3cr3t-value that nobody may see";
  const payload = withEndpoints(
    { url: `https://u:${secret}@h/` },
    { url: secret },
    { ...collector, auth: { type: secret } },
    secret,
  );
  const both = [payload, shipped({ trace_id: secret }), shipped({ span_parent_id: secret })];
  assert.ok(!JSON.stringify(both.map((each) => negotiate(each, defaultTelemetryPolicy))).includes("s3cr3t"));
});

test("whatever JSON comes, negotiation answers, and what it agrees to is well formed", () => {
  const anyTracing = fc.record(
    {
      trace_id: fc.oneof(fc.constant(traceId), fc.jsonValue()),
      span_parent_id: fc.oneof(fc.constant(parentSpanId), fc.jsonValue()),
      otel_endpoints: fc.oneof(
        fc.jsonValue(),
        fc.array(fc.oneof(fc.webUrl(), fc.record({ url: fc.webUrl(), auth: fc.jsonValue() }))),
      ),
    },
    { requiredKeys: [] },
  );
  const anyPayload = fc.oneof(
    fc.jsonValue(),
    fc.record({ features: fc.record({ tracing: anyTracing, job_telemetry: fc.boolean() }), trace_context: anyTracing }),
  );
  fc.assert(
    fc.property(anyPayload, fc.constantFrom("negotiated", "always"), fc.boolean(), (payload, mode, hasLocalViewer) => {
      const result = negotiate(payload, { ...defaultTelemetryPolicy, mode, hasLocalViewer });
      if (result.kind === "untraced") return;
      assert.match(result.traceId, /^(?!0{32})[0-9a-f]{32}$/);
      assert.match(result.parentSpanId ?? "00f067aa0ba902b7", /^(?!0{16})[0-9a-f]{16}$/);
      assert.ok(result.endpoints.length <= 2);
      for (const { url } of result.endpoints) assert.match(url, /^(https?|grpcs?):\/\/[^/@?#]+(\/[^?#]*)?$/);
    }),
  );
});
