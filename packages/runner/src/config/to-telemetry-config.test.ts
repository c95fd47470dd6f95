import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { EndpointSpec } from "@jobscope/labkit";
import { ConfigError } from "./config-error.ts";
import { parseToml } from "./load-config.ts";
import { parseConfig } from "./parse-config.ts";

/** The `[telemetry]` part of a configuration. */
function parse(toml: string, environment: Record<string, string> = {}) {
  return parseConfig(parseToml(toml, "config.toml"), { environment, workingDirectory: "/srv/runner" });
}

function problemsOf(toml: string, environment: Record<string, string> = {}): readonly string[] {
  try {
    parse(toml, environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ key, message }) => `${key}: ${message}`);
    throw error;
  }
  return [];
}

function endpointsOf(toml: string, environment: Record<string, string> = {}): readonly EndpointSpec[] {
  return parse(toml, environment).telemetry.policy.staticEndpoints;
}

const url = 'url = "https://otel.example.com"';
/** What an endpoint has that says nothing of it. */
const defaults = { timeoutMs: 10_000, allowInsecureAuth: false, queue: { maxSpans: 20_000, maxBytes: 16 * 2 ** 20 } };

/** Keys of `[[telemetry.endpoints]]`, and what becomes of them. */
const endpoints: readonly { readonly keys: string; readonly spec: Partial<EndpointSpec> }[] = [
  { keys: url, spec: { url: "https://otel.example.com" } },
  { keys: 'url = "grpcs://otel:4317"\nprotocol = "grpc"', spec: { url: "grpcs://otel:4317" } },
  { keys: 'url = "https://otel:4317"\nprotocol = "grpc"', spec: { url: "grpcs://otel:4317" } },
  { keys: 'url = "http://otel:4317"\nprotocol = "grpc"', spec: { url: "grpc://otel:4317" } },
  { keys: `${url}\nprotocol = "http/protobuf"`, spec: { url: "https://otel.example.com" } },
  { keys: `${url}\ncompression = "none"`, spec: { compression: "none" } },
  { keys: `${url}\ntimeout = "3s"`, spec: { timeoutMs: 3000 } },
  { keys: `${url}\nproxy = "http://proxy:3128"`, spec: { proxyUrl: "http://proxy:3128" } },
  { keys: `${url}\ntls_ca_file = "ca.pem"`, spec: { tls: { caFile: "/srv/runner/ca.pem" } } },
  {
    keys: `${url}\ntls_cert_file = "/c.pem"\ntls_key_file = "k.pem"`,
    spec: { tls: { certFile: "/c.pem", keyFile: "/srv/runner/k.pem" } },
  },
  { keys: `${url}\nmax_queued_spans = 5`, spec: { queue: { maxSpans: 5, maxBytes: 16 * 2 ** 20 } } },
  { keys: `${url}\nmax_queued_bytes = "1 MiB"`, spec: { queue: { maxSpans: 20_000, maxBytes: 2 ** 20 } } },
  {
    keys: 'url = "http://otel.example.com"\nbearer_token = "t"\nallow_insecure_auth = true',
    spec: { auth: { kind: "bearer", token: "t" }, allowInsecureAuth: true },
  },
  { keys: `${url}\nheaders = { X-Key = "k" }`, spec: { auth: { kind: "headers", headers: { "x-key": "k" } } } },
  {
    keys: `${url}\nheaders = { X-Scope-OrgID = "ci" }\nbearer_token_env = "T"`,
    spec: { auth: { kind: "bearer-env", variable: "T" }, headers: { "x-scope-orgid": "ci" } },
  },
  { keys: `${url}\nbearer_token_file = "t"`, spec: { auth: { kind: "bearer-file", path: "/srv/runner/t" } } },
  { keys: `${url}\ngcp = { audience = "a" }`, spec: { auth: { kind: "gcp-oidc", audience: "a" } } },
  {
    keys: `${url}\ngcp = { audience = "a", service_account = "s@p" }`,
    spec: { auth: { kind: "gcp-oidc", audience: "a", serviceAccount: "s@p" } },
  },
  {
    keys: `${url}\naws = { audience = "a", region = "eu-west-1", duration = "10m", signing_algorithm = "ES384" }`,
    spec: {
      auth: {
        kind: "aws-web-identity",
        audience: "a",
        region: "eu-west-1",
        durationS: 600,
        signingAlgorithm: "ES384",
      },
    },
  },
  {
    keys: `${url}\nazure_managed_identity = { resource = "api://c", client_id = "i" }`,
    spec: { auth: { kind: "azure-managed-identity", resource: "api://c", clientId: "i" } },
  },
  {
    keys: `${url}\nazure_workload_identity = { scope = "api://c/.default" }`,
    spec: { auth: { kind: "azure-workload-identity", scope: "api://c/.default" } },
  },
  {
    keys: `${url}\noauth2 = { issuer = "https://i", client_id = "c", client_secret_file = "s", scope = "w", audience = "a", resource = "r" }`,
    spec: {
      auth: {
        kind: "oauth2-client-credentials",
        issuer: "https://i",
        clientId: "c",
        clientSecret: { kind: "file", path: "/srv/runner/s" },
        scope: "w",
        audience: "a",
        resource: "r",
      },
    },
  },
  {
    keys: `${url}\noauth2 = { issuer = "https://i", client_id = "c", client_secret_env = "S" }`,
    spec: {
      auth: {
        kind: "oauth2-client-credentials",
        issuer: "https://i",
        clientId: "c",
        clientSecret: { kind: "env", variable: "S" },
      },
    },
  },
];

describe("an endpoint of the file is", () => {
  for (const { keys, spec } of endpoints) {
    test(keys.replaceAll("\n", ", "), () => {
      const [endpoint] = endpointsOf(`[[telemetry.endpoints]]\n${keys}\n`);
      assert.deepEqual(endpoint, { ...defaults, url: endpoint?.url, ...spec });
    });
  }

  test("with the environment's values in its texts", () => {
    const [endpoint] = endpointsOf(
      '[[telemetry.endpoints]]\nurl = "https://$HOST/v1/traces"\nheaders = { X-Key = "$KEY", Y = "$$5" }\n',
      { HOST: "otel.example.com", KEY: "k" },
    );
    assert.equal(endpoint?.url, "https://otel.example.com/v1/traces");
    assert.deepEqual(endpoint?.auth, { kind: "headers", headers: { "x-key": "k", y: "$5" } });
  });
});

test("every other key of the table has its place in the configuration", () => {
  const { telemetry } = parse(
    `[telemetry]
    mode = "always"
    endpoint_policy = "add"
    semconv = "otel"
    service_name = "ci"
    max_spans_per_job = 7
    command_spans = true
    section_spans = false
    trace_url_template = "https://jaeger.example.com/trace/{trace_id}?job={job_id}"
    offline_artifact = true
    flush_timeout = "1s"
    max_queued_spans = 9
    max_queued_bytes = 1024
    spool_dir = "spool"
    spool_max_bytes = "1GiB"
    spool_max_age = "1h"
    spool_fsync = "always"
    [telemetry.payload_endpoints]
    allowed_hosts = ["otel.example.com", "*.example.org:4317"]
    timeout = "2s"
    tls_ca_file = "ca.pem"
    proxy = "http://proxy:3128"
    `,
  );
  const { payloadEndpoints, ...policy } = telemetry.policy;
  assert.deepEqual(policy, {
    mode: "always",
    endpointPolicy: "add",
    staticEndpoints: [],
    serviceName: "ci",
    semconv: "otel",
    maxSpansPerJob: 7,
    commandSpans: true,
    sectionSpans: false,
  });
  assert.deepEqual(payloadEndpoints.allowedHosts, ["otel.example.com", "*.example.org:4317"]);
  assert.deepEqual(payloadEndpoints.settingsFor("https://otel.example.com"), {
    timeoutMs: 2000,
    tls: { caFile: "/srv/runner/ca.pem" },
    proxyUrl: "http://proxy:3128",
    allowInsecureAuth: false,
    queue: { maxSpans: 9, maxBytes: 1024 },
  });
  assert.deepEqual(
    [telemetry.flushTimeoutMs, telemetry.spoolDir, telemetry.logsTraceId, telemetry.offlineArtifact],
    [1000, "/srv/runner/spool", true, true],
  );
  assert.deepEqual(telemetry.spoolLimits, { maxBytes: 2 ** 30, maxAgeMs: 3_600_000, fsync: "always" });
});

test("without a template a job's log says nothing of its trace, unless asked to", () => {
  assert.equal(parse("").telemetry.logsTraceId, false);
  assert.equal(parse("[telemetry]\nlog_trace_id = true").telemetry.logsTraceId, true);
});

/** Wrong values, each with the one problem that it makes. */
const wrong: readonly { readonly toml: string; readonly problem: RegExp }[] = [
  {
    toml: `[[telemetry.endpoints]]\n${url}\noauth2 = { issuer = "https://i", client_id = "c" }`,
    problem: /^telemetry\.endpoints\[0\]\.oauth2: expected one of client_secret, /,
  },
  {
    toml: `[[telemetry.endpoints]]\n${url}\ngcp = { audience = "a", x = 1 }`,
    problem: /^telemetry\.endpoints\[0\]\.gcp\.x: unknown key$/,
  },
  { toml: `[[telemetry.endpoints]]\n${url}\ngcp = {}`, problem: /gcp\.audience: expected string, found nothing$/ },
  { toml: `[[telemetry.endpoints]]\n${url}\naws = { audience = "a", duration = "2h" }`, problem: /expected 60s to 1h/ },
  {
    toml: `[[telemetry.endpoints]]\n${url}\nbearer_token = "s3cret"\nheaders = { Authorization = "s3cret" }`,
    problem: /endpoints\[0\]\.headers: an authorization header and a token/,
  },
  {
    toml: '[[telemetry.endpoints]]\nurl = "grpc://h"\nprotocol = "http/protobuf"',
    problem: /endpoints\[0\]\.protocol: .* contradict/,
  },
  {
    toml: `[[telemetry.endpoints]]\n${url}\ntls_cert_file = "c.pem"`,
    problem: /endpoints\[0\]: the client certificate and its key need each other/,
  },
  {
    toml: `[[telemetry.endpoints]]\n${url}\nproxy = "socks5://s3cret@p"`,
    problem: /endpoints\[0\]: the proxy .* http:/,
  },
  {
    toml: '[telemetry]\nmax_queued_bytes = "lots"',
    problem: /max_queued_bytes: expected a number of bytes, or a size/,
  },
  {
    toml: '[telemetry]\ntrace_url_template = "https://j/"',
    problem: /trace_url_template: expected an http or https URL/,
  },
  { toml: '[telemetry]\ntrace_url_template = "https://j/{trac}"', problem: /with some of \{trace_id\}/ },
  { toml: '[telemetry]\ntrace_url_template = "javascript:{trace_id}"', problem: /expected an http or https URL/ },
  {
    toml: '[telemetry.payload_endpoints]\nallowed_hosts = ["https://otel.example.com"]',
    problem: /allowed_hosts\[0\]: expected a host such as/,
  },
];

for (const { toml, problem } of wrong) {
  test(`${toml.replaceAll("\n", ", ").replaceAll("s3cret", "…")} is refused`, () => {
    const problems = problemsOf(toml);
    assert.match(problems.join("\n"), problem);
    assert.equal(problems.length, 1);
    assert.doesNotMatch(problems.join("\n"), /s3cret/);
  });
}

describe("JOBSCOPE_TELEMETRY_* variables", () => {
  test("stand above the file, key by key", () => {
    const toml = `[telemetry]\nmode = "always"\nsemconv = "otel"\n[[telemetry.endpoints]]\n${url}\ntimeout = "3s"\n`;
    const { policy } = parse(toml, {
      JOBSCOPE_TELEMETRY_MODE: "negotiated",
      JOBSCOPE_TELEMETRY_MAX_SPANS_PER_JOB: "12",
      JOBSCOPE_TELEMETRY_COMMAND_SPANS: "true",
      JOBSCOPE_TELEMETRY_ENDPOINTS_0_TIMEOUT: "4s",
      JOBSCOPE_TELEMETRY_ENDPOINTS_1_URL: "grpcs://second:4317",
      JOBSCOPE_TELEMETRY_PAYLOAD_ENDPOINTS_ALLOWED_HOSTS: "a.example.com, *.b.example.com",
      JOBSCOPE_TELEMETRY_SEMCONV: "",
    }).telemetry;
    assert.deepEqual(
      [policy.mode, policy.semconv, policy.maxSpansPerJob, policy.commandSpans],
      ["negotiated", "otel", 12, true],
    );
    assert.deepEqual(
      policy.staticEndpoints.map((endpoint) => [endpoint.url, endpoint.timeoutMs]),
      [
        ["https://otel.example.com", 4000],
        ["grpcs://second:4317", 10_000],
      ],
    );
    assert.deepEqual(policy.payloadEndpoints.allowedHosts, ["a.example.com", "*.b.example.com"]);
  });

  test("make an endpoint with its credentials out of nothing, and are taken as they are", () => {
    const [endpoint, second] = endpointsOf("", {
      JOBSCOPE_TELEMETRY_ENDPOINTS_0_URL: "https://otel.example.com",
      JOBSCOPE_TELEMETRY_ENDPOINTS_0_HEADERS: "x-key=a%2Cb$HOME,y=1",
      JOBSCOPE_TELEMETRY_ENDPOINTS_1_URL: "https://other.example.com",
      JOBSCOPE_TELEMETRY_ENDPOINTS_1_OAUTH2_ISSUER: "https://i",
      JOBSCOPE_TELEMETRY_ENDPOINTS_1_OAUTH2_CLIENT_ID: "c",
      JOBSCOPE_TELEMETRY_ENDPOINTS_1_OAUTH2_CLIENT_SECRET: "s$HOME",
      HOME: "nowhere",
    });
    assert.deepEqual(endpoint?.auth, { kind: "headers", headers: { "x-key": "a,b$HOME", y: "1" } });
    assert.deepEqual(second?.auth, {
      kind: "oauth2-client-credentials",
      issuer: "https://i",
      clientId: "c",
      clientSecret: { kind: "value", value: "s$HOME" },
    });
  });

  const mistakes = {
    "JOBSCOPE_TELEMETRY_MODE=on": /^telemetry\.mode \(JOBSCOPE_TELEMETRY_MODE\): expected one of .*, found "on"$/,
    "JOBSCOPE_TELEMETRY_MOOD=on": /^JOBSCOPE_TELEMETRY_MOOD: unknown variable/,
    "JOBSCOPE_TELEMETRY_COMMAND_SPANS=yes":
      /^telemetry\.command_spans \(JOBSCOPE_TELEMETRY_COMMAND_SPANS\): expected boolean/,
    "JOBSCOPE_TELEMETRY_MAX_SPANS_PER_JOB=many": /MAX_SPANS_PER_JOB\): expected number, found string$/,
    "JOBSCOPE_TELEMETRY_ENDPOINTS_0_TIMEOUT=5 min": /ENDPOINTS_0_TIMEOUT\): expected a duration/,
    "JOBSCOPE_TELEMETRY_ENDPOINTS_0_HEADERS=s3cret": /ENDPOINTS_0_HEADERS\): expected record, found string$/,
    "JOBSCOPE_TELEMETRY_PAYLOAD_ENDPOINTS_ALLOWED_HOSTS=a,b c": /ALLOWED_HOSTS\): expected a host/,
    "JOBSCOPE_TELEMETRY_ENDPOINTS_9_URL=https://h": /endpoints/,
  };
  for (const [assignment, problem] of Object.entries(mistakes)) {
    test(`${assignment} is refused by its name`, () => {
      const [name = "", value = ""] = assignment.split("=");
      const problems = problemsOf(`[[telemetry.endpoints]]\n${url}\n`, { [name]: value });
      assert.match(problems.join("\n"), problem);
      assert.doesNotMatch(problems.join("\n"), /s3cret/);
    });
  }
});

describe("OTEL_EXPORTER_OTLP_* variables", () => {
  /** Of the variables, without what they begin with. */
  const cases: readonly { readonly variables: Record<string, string>; readonly spec: Partial<EndpointSpec> }[] = [
    { variables: { ENDPOINT: "http://localhost:4318" }, spec: { url: "http://localhost:4318/v1/traces" } },
    {
      variables: { ENDPOINT: "https://otel.example.com/otlp/" },
      spec: { url: "https://otel.example.com/otlp/v1/traces" },
    },
    {
      variables: { ENDPOINT: "https://a", TRACES_ENDPOINT: "https://b/here" },
      spec: { url: "https://b/here" },
    },
    {
      variables: { ENDPOINT: "https://otel.example.com:4317", PROTOCOL: "grpc" },
      spec: { url: "grpcs://otel.example.com:4317" },
    },
    { variables: { ENDPOINT: "otel:4317", PROTOCOL: "grpc", INSECURE: "true" }, spec: { url: "grpc://otel:4317" } },
    {
      variables: { ENDPOINT: "otel:4317", PROTOCOL: "http/protobuf", TRACES_PROTOCOL: "grpc" },
      spec: { url: "grpcs://otel:4317" },
    },
    {
      variables: { ENDPOINT: "https://h", HEADERS: "a=1", TRACES_HEADERS: "Api-Key=k%3D" },
      spec: { url: "https://h/v1/traces", auth: { kind: "headers", headers: { "api-key": "k=" } } },
    },
    {
      variables: { ENDPOINT: "https://h", COMPRESSION: "none", TIMEOUT: "500", TRACES_TIMEOUT: "700" },
      spec: { url: "https://h/v1/traces", compression: "none", timeoutMs: 700 },
    },
    {
      variables: { ENDPOINT: "https://h", CERTIFICATE: "ca.pem", CLIENT_CERTIFICATE: "/c.pem", CLIENT_KEY: "/k.pem" },
      spec: {
        url: "https://h/v1/traces",
        tls: { caFile: "/srv/runner/ca.pem", certFile: "/c.pem", keyFile: "/k.pem" },
      },
    },
  ];
  for (const { variables, spec } of cases) {
    test(`make an endpoint of ${JSON.stringify(variables)}`, () => {
      assert.deepEqual(endpointsOf("", otel(variables)), [{ queue: defaults.queue, ...spec }]);
    });
  }

  const ignored: readonly {
    readonly variables: Record<string, string>;
    readonly warning: RegExp;
    readonly endpoints: number;
  }[] = [
    {
      variables: { ENDPOINT: "https://h", PROTOCOL: "http/json" },
      warning: /^OTEL_EXPORTER_OTLP_PROTOCOL: /,
      endpoints: 0,
    },
    { variables: { TRACES_ENDPOINT: "h:x" }, warning: /^OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: /, endpoints: 0 },
    {
      variables: { ENDPOINT: "http://h", HEADERS: "a=s3cret" },
      warning: /^OTEL_EXPORTER_OTLP_ENDPOINT: .*without TLS/,
      endpoints: 0,
    },
    { variables: { ENDPOINT: "https://h", TIMEOUT: "soon" }, warning: /^OTEL_EXPORTER_OTLP_TIMEOUT: /, endpoints: 1 },
    { variables: { ENDPOINT: "https://h", HEADERS: "s3cret" }, warning: /^OTEL_EXPORTER_OTLP_HEADERS: /, endpoints: 0 },
    {
      variables: { ENDPOINT: "https://h", COMPRESSION: "zstd" },
      warning: /^OTEL_EXPORTER_OTLP_COMPRESSION: /,
      endpoints: 1,
    },
  ];
  for (const { variables, warning, endpoints: count } of ignored) {
    test(`that are wrong are a warning, since they may not be meant for us: ${Object.keys(variables).at(-1)}`, () => {
      const { warnings, telemetry } = parse("", otel(variables));
      const said = warnings.filter((text) => text.startsWith("OTEL_"));
      assert.match(said.join("\n"), warning);
      assert.doesNotMatch(said.join("\n"), /s3cret/);
      assert.equal(telemetry.policy.staticEndpoints.length, count);
    });
  }

  test("are nothing beside endpoints of the file, or of our own variables, or with telemetry off", () => {
    const variables = otel({ ENDPOINT: "https://otel" });
    const own = { JOBSCOPE_TELEMETRY_ENDPOINTS_0_URL: "https://own" };
    assert.deepEqual(
      [
        endpointsOf(`[[telemetry.endpoints]]\n${url}`, variables),
        endpointsOf("", { ...variables, ...own }),
        endpointsOf('[telemetry]\nmode = "off"', variables),
      ].map((specs) => specs.map((spec) => spec.url)),
      [["https://otel.example.com"], ["https://own"], []],
    );
  });

  function otel(variables: Readonly<Record<string, string>>): Record<string, string> {
    return Object.fromEntries(Object.entries(variables).map(([name, value]) => [`OTEL_EXPORTER_OTLP_${name}`, value]));
  }
});

test("the proxy of the environment is used, unless an endpoint has its own or none", () => {
  const toml = `[[telemetry.endpoints]]\n${url}\n[[telemetry.endpoints]]\n${url}\nproxy = ""\n[[telemetry.endpoints]]\n${url}\nproxy = "http://own:1"\n`;
  const environment = { https_proxy: "http://proxy:3128" };
  const { policy } = parse(toml, environment).telemetry;
  assert.deepEqual(
    policy.staticEndpoints.map(({ proxyUrl }) => proxyUrl),
    ["http://proxy:3128", undefined, "http://own:1"],
  );
  assert.equal(policy.payloadEndpoints.settingsFor("grpcs://h:4317").proxyUrl, "http://proxy:3128");
  assert.equal(policy.payloadEndpoints.settingsFor("http://127.0.0.1:4318").proxyUrl, undefined);
});
