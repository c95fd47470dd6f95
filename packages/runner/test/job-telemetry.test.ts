import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { gunzipSync } from "node:zlib";
import {
  makeCertificates,
  setEnvironment,
  startOtlpReceiver,
  startTokenServer,
  type TestCertificates,
} from "@jobscope/labkit/testing";
import type { SpanProcessor } from "../src/manager/span-processor.ts";
import { aVariable } from "./support/job-payload.ts";
import { aScriptJob, finalUpdateOf, logOf, withManager } from "./support/with-manager.ts";

type EndedSpan = Parameters<SpanProcessor["onEnd"]>[0];

/** Keeps the spans that ended, and tells when the job's own did. */
function aSpanRecorder() {
  const spans: EndedSpan[] = [];
  const { promise: jobEnded, resolve } = Promise.withResolvers<EndedSpan>();
  const processor: SpanProcessor = {
    onStart() {},
    onEnd(span) {
      spans.push(span);
      if (span.name === "job_execution") resolve(span);
    },
    async forceFlush() {},
    async shutdown() {},
  };
  return { spans, processor, jobEnded };
}

const traced = { features: { trace_sections: true, tracing: { trace_id: `${"0".repeat(30)}4d`, otel_endpoints: [] } } };

test("a traced job emits its tree into the trace that the payload names", async () => {
  const recorder = aSpanRecorder();
  await withManager(
    async ({ coordinator, manager }) => {
      await finalUpdateOf(coordinator, 1);
      const root = await recorder.jobEnded;
      assert.equal(root.spanContext().traceId, `${"0".repeat(30)}4d`);
      assert.deepEqual(
        [root.attributes["ci.job.status"], root.attributes["ci.job.id"], root.attributes["ci.runner.executor"]],
        ["success", 1, "shell"],
      );
      assert.ok(recorder.spans.some(({ name }) => name === "step_script"));
      await manager[Symbol.asyncDispose]();
      assert.deepEqual(manager.runningJobs, []);
    },
    {
      prepare: (coordinator) => coordinator.script("request", aScriptJob(1, ["true"], traced)),
      manager: { spanProcessors: [recorder.processor] },
    },
  );
});

test("a failed job's span has its reason and exit code", async () => {
  const recorder = aSpanRecorder();
  await withManager(
    async () => {
      const { attributes } = await recorder.jobEnded;
      assert.deepEqual(
        [attributes["ci.job.status"], attributes["ci.job.failure_reason"], attributes["ci.job.exit_code"]],
        ["failed", "script_failure", 3],
      );
    },
    {
      prepare: (coordinator) => coordinator.script("request", aScriptJob(1, ["exit 3"], traced)),
      manager: { spanProcessors: [recorder.processor] },
    },
  );
});

test("a job canceled as it is picked up has a span that says so", async () => {
  const recorder = aSpanRecorder();
  await withManager(
    async () => {
      assert.equal((await recorder.jobEnded).attributes["ci.job.status"], "canceled");
    },
    {
      prepare: (coordinator) => {
        coordinator.script("request", aScriptJob(1, ["true"], traced));
        coordinator.script("update", { status: 200, headers: { "job-status": "canceling" } });
      },
      manager: { spanProcessors: [recorder.processor] },
    },
  );
});

test("no secret of the job is in any of its spans, expanded ones included", async () => {
  const recorder = aSpanRecorder();
  await withManager(
    async () => {
      await recorder.jobEnded;
      const text = JSON.stringify(recorder.spans.map(({ name, attributes, status }) => ({ name, attributes, status })));
      assert.doesNotMatch(text, /hunter2|glcbt-1\b|0123456789/);
    },
    {
      prepare: (coordinator) =>
        coordinator.script(
          "request",
          aScriptJob(1, ["false"], {
            ...traced,
            job_info: { name: "deploy hunter2-hunter2 with prefix-hunter2-hunter2", stage: "test", project_id: 1 },
            variables: [
              aVariable("PART", "hunter2-hunter2"),
              aVariable("SECRET", "prefix-$PART", { masked: true }),
              aVariable("PLAIN_SECRET", "hunter2-hunter2", { masked: true }),
              aVariable("CI_JOB_URL", "https://user:hunter2-hunter2@example.com/?private_token=0123456789"),
              aVariable("GIT_STRATEGY", "none"),
            ],
          }),
        ),
      manager: { spanProcessors: [recorder.processor] },
    },
  );
});

test("an endpoint that accepts and never answers delays neither the job nor its report", async () => {
  const deaf = createServer(() => {});
  deaf.listen(0, "127.0.0.1");
  await once(deaf, "listening");
  const { port } = deaf.address() as AddressInfo;
  const sockets = new Set<{ destroy(): void }>();
  deaf.on("connection", (socket) => sockets.add(socket));
  try {
    await withManager(
      async ({ coordinator }) => {
        assert.equal((await finalUpdateOf(coordinator, 1))["state"], "success");
        assert.equal((await finalUpdateOf(coordinator, 2))["state"], "success");
      },
      {
        config: {
          check_interval: 3600,
          telemetry: { mode: "always", flush_timeout: "10ms", endpoints: [{ url: `http://127.0.0.1:${port}` }] },
        },
        prepare: (coordinator) => coordinator.script("request", aScriptJob(1, ["true"]), aScriptJob(2, ["true"])),
      },
    );
  } finally {
    for (const socket of sockets) socket.destroy();
    deaf.close();
  }
});

/** The first lines of a job's log, until its first section, without colours. */
function headerOf(log: string): string[] {
  const [header = ""] = stripVTControlCharacters(log).split("section_start");
  return header.split("\n").filter((line) => line !== "" && !line.includes("feature flags"));
}

const traceId = `${"0".repeat(30)}4d`;

for (const { asked, telemetry, payload, line } of [
  { asked: "without being asked to", telemetry: {}, payload: traced, line: undefined },
  { asked: "when asked to", telemetry: { log_trace_id: true }, payload: traced, line: `  trace ${traceId}` },
  {
    asked: "with a link when there is a template",
    telemetry: { trace_url_template: "https://jaeger.example.com/trace/{trace_id}?p={pipeline_id}&j={job_id}" },
    payload: traced,
    line: `  trace ${traceId}: https://jaeger.example.com/trace/${traceId}?p=77&j=1`,
  },
  {
    asked: "when it is not traced, template or not",
    telemetry: { trace_url_template: "https://jaeger.example.com/{trace_id}" },
    payload: {},
    line: undefined,
  },
]) {
  test(`the log of a job ${line === undefined ? "does not name" : "names"} its trace ${asked}`, () =>
    withManager(
      async ({ coordinator }) => {
        await finalUpdateOf(coordinator, 1);
        const header = headerOf(logOf(coordinator, 1));
        assert.match(header[1] ?? "", /^ {2}on test runner /);
        assert.deepEqual(header.slice(2), line === undefined ? [] : [line]);
      },
      {
        config: { telemetry },
        runner: { feature_flags: { FF_TIMESTAMPS: false } },
        prepare: (coordinator) => coordinator.script("request", aScriptJob(1, ["true"], payload)),
        manager: { spanProcessors: [aSpanRecorder().processor] },
      },
    ));
}

describe("an endpoint that a payload names with a token", () => {
  const cleanUp = new AsyncDisposableStack();
  let tls: TestCertificates;
  before(async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "jobscope-payload-"));
    cleanUp.defer(() => rm(folder, { recursive: true }));
    tls = await makeCertificates(folder);
    const google = cleanUp.use(await startTokenServer(Date.now));
    const host = new URL(google.url).host;
    setEnvironment(cleanUp, { GCE_METADATA_HOST: host, METADATA_SERVER_DETECTION: "assume-present" });
  });
  after(() => cleanUp.disposeAsync());

  for (const { allowed, isUsed } of [
    { allowed: ["127.0.0.1"], isUsed: true },
    { allowed: undefined, isUsed: false },
  ]) {
    test(`${isUsed ? "gets it where its host is allowed, over the operator's TLS settings" : "gets neither it nor a span where no host is allowed"}`, async () => {
      await using receiver = await startOtlpReceiver({ tls: tls.server });
      const auth = { type: "http_bearer_gcp_oidc", http_bearer_gcp_oidc: { audience: "https://otel.example.com" } };
      const tracing = { trace_id: traceId, otel_endpoints: [{ url: receiver.url, auth }] };
      const payload_endpoints = {
        tls_ca_file: tls.caFile,
        ...(allowed === undefined ? {} : { allowed_hosts: allowed }),
      };
      await withManager(
        async ({ coordinator }) => {
          assert.equal((await finalUpdateOf(coordinator, 1))["state"], "success");
          if (isUsed) await receiver.waitFor(() => receiver.spans.some(({ name }) => name === "job_execution"));
        },
        {
          config: { telemetry: { payload_endpoints } },
          prepare: (coordinator) => coordinator.script("request", aScriptJob(1, ["true"], { features: { tracing } })),
        },
      );
      assert.equal(receiver.requests.length > 0, isUsed);
      for (const { headers } of receiver.requests) assert.match(String(headers["authorization"]), /^Bearer ey/);
    });
  }
});

describe("with offline_artifact", () => {
  const config = { telemetry: { offline_artifact: true } };

  test("the trace of a job without an endpoint is an artifact of the job before its final state is reported", () =>
    withManager(
      async ({ coordinator }) => {
        assert.equal((await finalUpdateOf(coordinator, 1))["failure_reason"], "script_failure");
        const [upload] = coordinator.callsOf("upload");
        assert(upload !== undefined);
        assert.match(upload.path, /artifact_format=gzip&artifact_type=metrics_referee/);
        assert.equal(upload.headers["job-token"], "glcbt-1");
        const kinds = coordinator.calls.map(({ path }) => path.replace(/\?.*/, ""));
        assert.ok(kinds.indexOf("/api/v4/jobs/1/artifacts") < kinds.lastIndexOf("/api/v4/jobs/1"));
        const spans = spansOf(upload.body);
        const names = spans.map(({ name }) => name);
        assert.deepEqual(names.slice(-1), ["job_execution"]);
        assert.ok(names.includes("step_script"));
        assert.deepEqual(new Set(spans.map((span) => span.traceId)), new Set([traceId]));
      },
      { config, prepare: (coordinator) => coordinator.script("request", aScriptJob(1, ["exit 3"], traced)) },
    ));

  for (const { problem, prepare } of [
    { problem: "refused", prepare: { status: 403 } },
    { problem: "broken off", prepare: { misbehave: "reset" as const } },
  ]) {
    test(`a job is the same when its trace's upload is ${problem}`, () =>
      withManager(
        async ({ coordinator }) => {
          assert.equal((await finalUpdateOf(coordinator, 1))["state"], "success");
          assert.doesNotMatch(logOf(coordinator, 1), /artifact/i);
        },
        {
          config,
          prepare: (coordinator) => {
            coordinator.always("upload", () => prepare);
            coordinator.script("request", aScriptJob(1, ["true"], traced));
          },
        },
      ));
  }

  test("a job that is not to be traced, or has an endpoint, leaves no artifact", () =>
    withManager(
      async ({ coordinator }) => {
        await finalUpdateOf(coordinator, 1);
        await finalUpdateOf(coordinator, 2);
        assert.deepEqual(coordinator.callsOf("upload"), []);
      },
      {
        config: { telemetry: { ...config.telemetry, flush_timeout: "1ms" } },
        prepare: (coordinator) => {
          const tracing = { trace_id: traceId, otel_endpoints: ["http://127.0.0.1:1"] };
          coordinator.script(
            "request",
            aScriptJob(1, ["true"]),
            aScriptJob(2, ["true"], { features: { trace_sections: true, tracing } }),
          );
        },
      },
    ));
});

/** Of an artifact upload: one multipart part with gzipped OTLP JSON. */
function spansOf(body: Buffer): { readonly name: string; readonly traceId: string }[] {
  const start = body.indexOf("\r\n\r\n") + 4;
  const content = body.subarray(start, body.lastIndexOf("\r\n--"));
  const { resourceSpans } = JSON.parse(gunzipSync(content).toString()) as {
    resourceSpans: { scopeSpans: { spans: { name: string; traceId: string }[] }[] }[];
  };
  return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));
}

test("jobs inherit no variable that holds a telemetry secret", () =>
  withManager(
    async ({ coordinator, directory }) => {
      await finalUpdateOf(coordinator, 1);
      const environment = await readFile(path.join(directory, "environment"), "utf8");
      assert.match(environment, /^OTHER=kept$/m);
      assert.match(environment, /^OTEL_EXPORTER_OTLP_ENDPOINT=https:/m);
      assert.doesNotMatch(environment, /JOBSCOPE_TELEMETRY|s3cret/);
    },
    {
      config: {
        telemetry: {
          mode: "off",
          endpoints: [
            { url: "https://otel.example.com", bearer_token_env: "TOKEN_OF_OPERATOR" },
            {
              url: "https://other.example.com",
              oauth2: { issuer: "https://issuer.example.com", client_id: "c", client_secret_env: "CLIENT_SECRET" },
            },
          ],
        },
      },
      prepare: (coordinator) => coordinator.script("request", aScriptJob(1, ['env > "$HOME/environment"'])),
      environment: {
        OTHER: "kept",
        OTEL_EXPORTER_OTLP_ENDPOINT: "https://otel.example.com",
        OTEL_EXPORTER_OTLP_HEADERS: "authorization=s3cret",
        TOKEN_OF_OPERATOR: "s3cret",
        CLIENT_SECRET: "s3cret",
        JOBSCOPE_TELEMETRY_ENDPOINTS_0_BEARER_TOKEN: "s3cret",
      },
    },
  ));

test("malformed telemetry in a payload leaves the job as it is", () =>
  withManager(
    async ({ coordinator }) => {
      assert.equal((await finalUpdateOf(coordinator, 1))["state"], "success");
    },
    {
      prepare: (coordinator) =>
        coordinator.script(
          "request",
          aScriptJob(1, ["true"], { features: { tracing: { trace_id: 5, otel_endpoints: "x" } } }),
        ),
    },
  ));
