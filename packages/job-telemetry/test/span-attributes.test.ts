import assert from "node:assert/strict";
import { arch, hostname } from "node:os";
import { test } from "node:test";
import type { JobFacts, RunnerFacts, SpanAttributes, TelemetryPolicy } from "@jobscope/job-telemetry";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import { startTestJob } from "./support/traced-job.ts";

const job: JobFacts = {
  jobId: 4711,
  projectId: 7,
  pipelineId: "1234",
  pipelineSource: "merge_request_event",
  pipelineIid: "12",
  pipelineName: "nightly",
  pipelineUrl: "https://gitlab.example.com/shop/-/pipelines/1234",
  jobName: "test: [linux]",
  pipelineStage: "test",
  jobUrl: "https://gitlab.example.com/shop/-/jobs/4711",
  jobAttempt: 2,
  allowFailure: true,
  timeoutS: 3600,
  queuedDurationS: 1.5,
  projectPath: "group/shop",
  repositoryUrl: "https://gitlab-ci-token:glcbt-64_x@gitlab.example.com/group/shop.git?private_token=x#y",
  ref: "main",
  refType: "branch",
  sha: "1a2b3c4d5e6f",
  changeId: "42",
};
const runner: RunnerFacts = {
  id: 3,
  executor: "shell",
  description: "my runner",
  systemId: "s_0123456789ab",
  tags: ["linux", "big"],
  version: "1.2.3",
};

const identity = {
  "ci.job.id": 4711,
  "ci.project.id": 7,
  "ci.pipeline.id": "1234",
  "ci.pipeline.source": "merge_request_event",
  "ci.runner.id": 3,
  "ci.runner.executor": "shell",
};
const withoutCounterpart = {
  "ci.job.stage": "test",
  "ci.job.attempt": 2,
  "ci.job.allow_failure": true,
  "ci.job.timeout_s": 3600,
  "ci.job.queued_duration_s": 1.5,
  "ci.project.path": "group/shop",
  "ci.pipeline.iid": "12",
  "ci.runner.system_id": "s_0123456789ab",
  "ci.runner.tags": ["linux", "big"],
  "ci.telemetry.dropped_spans": 0,
  "ci.telemetry.truncated_values": 0,
  "ci.telemetry.masked_values": 0,
};
const gitlab = {
  "ci.job.name": "test: [linux]",
  "ci.job.url": "https://gitlab.example.com/shop/-/jobs/4711",
  "ci.job.status": "success",
  "ci.ref": "main",
  "ci.sha": "1a2b3c4d5e6f",
  "ci.runner.description": "my runner",
};
const otel = {
  "cicd.pipeline.name": "nightly",
  "cicd.pipeline.run.id": "1234",
  "cicd.pipeline.run.url.full": "https://gitlab.example.com/shop/-/pipelines/1234",
  "cicd.pipeline.task.name": "test: [linux]",
  "cicd.pipeline.task.run.id": "4711",
  "cicd.pipeline.task.run.url.full": "https://gitlab.example.com/shop/-/jobs/4711",
  "cicd.pipeline.task.run.result": "success",
  "cicd.worker.id": "3",
  "cicd.worker.name": "my runner",
  "vcs.repository.url.full": "https://gitlab.example.com/group/shop.git",
  "vcs.ref.head.name": "main",
  "vcs.ref.head.revision": "1a2b3c4d5e6f",
  "vcs.ref.type": "branch",
  "vcs.change.id": "42",
};

const vocabularies: { semconv: TelemetryPolicy["semconv"]; expected: Record<string, unknown> }[] = [
  { semconv: "both", expected: { ...identity, ...withoutCounterpart, ...gitlab, ...otel } },
  { semconv: "gitlab", expected: { ...identity, ...withoutCounterpart, ...gitlab } },
  { semconv: "otel", expected: { ...identity, ...withoutCounterpart, ...otel } },
];

for (const { semconv, expected } of vocabularies) {
  test(`job_execution says all it knows, semconv ${semconv}`, () => {
    const { trace, span } = startTestJob({ job, runner, policy: { semconv } });
    trace.end({ status: "success" });
    assert.deepEqual(span("job_execution").attributes, expected);
  });
}

test("what is not known is not on the span", () => {
  const { trace, span } = startTestJob({ job: { pipelineSource: undefined } });
  trace.end({ status: "success" });
  const { attributes } = span("job_execution");
  assert.ok(!Object.values(attributes).includes(undefined));
  assert.ok(!("ci.pipeline.source" in attributes) && !("vcs.repository.url.full" in attributes));
});

test("a viewer that is told of a start knows the job, the stage and its attempt by then", () => {
  let atStart: Record<string, unknown> = {};
  const keep = (span: ReadableSpan) => {
    atStart = { ...span.attributes };
  };
  const processor = { onStart: keep, onEnd() {}, forceFlush: async () => {}, shutdown: async () => {} };
  const { trace } = startTestJob({ job, runner, spanProcessors: [processor] });
  assert.equal(atStart["ci.job.name"], "test: [linux]");
  trace.startStage({ name: "archive_cache", stageName: "archive_cache_on_failure", attempt: 2 });
  assert.deepEqual(atStart, { ...identity, "ci.stage.name": "archive_cache_on_failure", "ci.stage.attempt": 2 });
});

test("every span has the job's identity", () => {
  const { trace, ended } = startTestJob({ job, runner, policy: { commandSpans: true } });
  const stage = trace.startStage({ name: "step_script" });
  stage.startChild({ name: "start_services" });
  stage.startCommand({ text: "make" });
  stage.startSection({ name: "x" });
  stage.startFunction({ name: "f", functionName: "./f", version: "", type: "exec" });
  trace.end({ status: "success" });
  assert.equal(ended.length, 6);
  for (const { name, attributes } of ended) {
    for (const [key, value] of Object.entries(identity)) assert.equal(attributes[key], value, `${key} of ${name}`);
  }
});

const generic: { name: string; attributes: SpanAttributes; attempt?: number; expected: Record<string, unknown> }[] = [
  {
    name: "pull_image",
    attributes: { "ci.image.name": "alpine", "ci.image.tag": "3", "ci.image.pulled": false },
    expected: {
      "ci.resource.type": "image",
      "ci.resource.operation": "pull",
      "ci.resource.key": "alpine:3",
      "ci.resource.hit": true,
    },
  },
  {
    name: "pull_image",
    attributes: { "ci.image.name": "alpine" },
    expected: { "ci.resource.type": "image", "ci.resource.operation": "pull", "ci.resource.key": "alpine" },
  },
  {
    name: "get_sources",
    attributes: { "ci.git.operation": "fetch", "ci.git.received_bytes": 99 },
    attempt: 3,
    expected: {
      "ci.resource.type": "git",
      "ci.resource.operation": "fetch",
      "ci.network.rx_bytes": 99,
      "ci.operation.retry_count": 2,
    },
  },
  { name: "get_sources", attributes: { "ci.git.operation": "none" }, expected: { "ci.resource.type": "git" } },
  {
    name: "restore_cache",
    attributes: { "ci.cache.key": "k", "ci.cache.hit": true, "ci.cache.size_bytes": 5, "ci.cache.backend": "s3" },
    expected: {
      "ci.resource.type": "cache",
      "ci.resource.operation": "restore",
      "ci.resource.key": "k",
      "ci.resource.hit": true,
      "ci.network.rx_bytes": 5,
    },
  },
  {
    name: "restore_cache",
    attributes: { "ci.cache.key": "k", "ci.cache.hit": false, "ci.cache.backend": "local", "ci.cache.size_bytes": 5 },
    expected: {
      "ci.resource.type": "cache",
      "ci.resource.operation": "restore",
      "ci.resource.key": "k",
      "ci.resource.hit": false,
    },
  },
  {
    name: "archive_cache",
    attributes: { "ci.cache.key": "k", "ci.cache.size_bytes": 5, "ci.cache.backend": "gcs" },
    expected: {
      "ci.resource.type": "cache",
      "ci.resource.operation": "archive",
      "ci.resource.key": "k",
      "ci.network.tx_bytes": 5,
    },
  },
  {
    name: "download_artifacts",
    attributes: { "ci.artifact.from_job": "build", "ci.artifact.size_bytes": 8 },
    expected: {
      "ci.resource.type": "artifact",
      "ci.resource.operation": "download",
      "ci.resource.key": "build",
      "ci.network.rx_bytes": 8,
    },
  },
  {
    name: "upload_artifacts",
    attributes: { "ci.artifact.name": "dist", "ci.artifact.size_bytes": 8 },
    expected: {
      "ci.resource.type": "artifact",
      "ci.resource.operation": "upload",
      "ci.resource.key": "dist",
      "ci.network.tx_bytes": 8,
    },
  },
  {
    name: "step_script",
    attributes: { "ci.stage.network_receive_bytes": 1, "ci.stage.network_transmit_bytes": 2 },
    expected: { "ci.network.rx_bytes": 1, "ci.network.tx_bytes": 2 },
  },
];

for (const [index, { name, attributes, attempt, expected }] of generic.entries()) {
  test(`the generic names of ${name} are set (${index}), also of what is known late, but not with semconv otel`, () => {
    const genericOf = (semconv: TelemetryPolicy["semconv"]) => {
      const { trace, span } = startTestJob({ policy: { semconv } });
      const stage = trace.startStage({ name, attempt });
      stage.setAttributes(attributes);
      stage.end({ status: "success" });
      return Object.fromEntries(
        Object.entries(span(name).attributes).filter(([key]) => /^ci\.(resource|network|operation)\./.test(key)),
      );
    };
    assert.deepEqual(genericOf("both"), { "ci.operation.retry_count": 0, ...expected });
    assert.deepEqual(genericOf("otel"), {});
  });
}

test("the resource says who sends, once per job", () => {
  const { trace, ended } = startTestJob({ job, runner, policy: { serviceName: "runner" } });
  trace.startStage({ name: "step_script" });
  trace.end({ status: "success" });
  const { attributes } = ended[0]?.resource ?? {};
  assert.equal(ended[0]?.resource, ended[1]?.resource);
  assert.deepEqual(ended[0]?.instrumentationScope, {
    name: "gitlab-ci-runner",
    version: "1.2.3",
    schemaUrl: undefined,
  });
  const { "telemetry.sdk.version": sdkVersion, "host.arch": hostArch, "os.type": osType, ...rest } = attributes ?? {};
  assert.match(String(sdkVersion), /^3\./);
  assert.equal(hostArch, arch() === "x64" ? "amd64" : arch());
  assert.equal(osType, process.platform === "win32" ? "windows" : process.platform);
  assert.deepEqual(rest, {
    "service.name": "runner",
    "service.version": "1.2.3",
    "service.instance.id": "s_0123456789ab",
    "ci.job.id": 4711,
    "ci.pipeline.id": "1234",
    "ci.project.id": 7,
    "ci.runner.id": 3,
    "ci.runner_manager.system_xid": "s_0123456789ab",
    "host.name": hostname(),
    "process.runtime.name": "node",
    "telemetry.sdk.language": "nodejs",
    "telemetry.sdk.name": "opentelemetry",
  });
});
