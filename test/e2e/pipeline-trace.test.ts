import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { inspect } from "node:util";
import type { Collector } from "@jobscope/collector";
import type { JobView, PipelineView } from "@jobscope/coordinator";
import { type OtlpReceiver, startOtlpReceiver } from "@jobscope/labkit/testing";
import { type Stack, startStack, startTestCollector } from "../support/stack.ts";
import { readStoredSpans, type StoredSpan } from "../support/stored-spans.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../support/temporary-directory.ts";
import { type TemporaryRepository, temporaryRepository } from "../support/temporary-repository.ts";

const secret = "s3cr3t-Pa55w0rd-of-the-shop";

const configuration = `
stages: [build, test]

build:
  stage: build
  cache:
    key: deps
    fallback_keys: [deps-main]
    paths: [deps]
  script:
    - mkdir -p out deps && date > deps/stamp && echo built > out/result
    - echo "the secret is $SECRET"
  artifacts:
    paths: [out]

test:
  stage: test
  needs: [build]
  script:
    - printf 'section_start:%s:unit_tests\\r\\033[0KUnit tests\\n' "$(date +%s)"
    - grep built out/result
    - printf 'section_end:%s:unit_tests\\r\\033[0K' "$(date +%s)"
    - echo "traceparent $TRACEPARENT"
    - echo "<testsuite/>" > junit.xml
  after_script:
    - echo "after $SECRET"
  artifacts:
    reports:
      junit: junit.xml

lint:
  stage: test
  needs: []
  allow_failure: true
  script:
    - echo "$SECRET" | base64
    - echo "$SECRET" >&2
    - exit 7
`;

describe("a pipeline, traced end to end", () => {
  let resources: AsyncDisposableStack;
  let receiver: OtlpReceiver;
  let stack: Stack;
  let pipeline: PipelineView;
  let jobs: readonly JobView[];
  let rows: StoredSpan[];

  before(async () => {
    resources = new AsyncDisposableStack();
    const directory = resources.use<TemporaryDirectory>(await temporaryDirectory());
    const collector = resources.use<Collector>(await startTestCollector(directory.path));
    receiver = resources.use<OtlpReceiver>(await startOtlpReceiver());
    const repository = resources.use<TemporaryRepository>(
      await temporaryRepository({ ".gitlab-ci.yml": configuration }),
    );
    assert(collector.otlpHttpUrl !== undefined && collector.apiUrl !== undefined);
    stack = resources.use<Stack>(await startStack({ endpointUrls: [collector.otlpHttpUrl, receiver.url] }));
    const variables = [{ key: "SECRET", value: secret, masked: true }];
    const running = await stack.coordinator.createPipeline({
      repository: repository.path,
      projectVariables: variables,
    });
    pipeline = await running.finished;
    jobs = running.jobs();
    await stack.flush();
    await stack.manager[Symbol.asyncDispose]();
    rows = await readStoredSpans(collector.apiUrl, pipeline.traceId);
  });

  after(() => resources.disposeAsync());

  test("the pipeline succeeds although a job fails that may", () => {
    assert.equal(pipeline.state, "success");
    assert.deepEqual(jobs.map(({ name, state }) => [name, state]).sort(), [
      ["build", "success"],
      ["lint", "failed"],
      ["test", "success"],
    ]);
  });

  test("the trace has one root, no orphan, and every id once", () => {
    const ids = rows.map(({ SpanId }) => SpanId);
    assert.equal(new Set(ids).size, ids.length);
    const roots = rows.filter(({ ParentSpanId }) => ParentSpanId === "");
    assert.deepEqual(
      roots.map(({ SpanId }) => SpanId),
      [pipeline.spanId],
    );
    const orphans = rows.filter(({ ParentSpanId }) => ParentSpanId !== "" && !ids.includes(ParentSpanId));
    assert.deepEqual(
      orphans.map(({ SpanName }) => SpanName),
      [],
    );
  });

  test("every span lies within its parent", () => {
    const byId = new Map(rows.map((row) => [row.SpanId, row]));
    for (const row of rows) {
      const parent = byId.get(row.ParentSpanId);
      if (parent === undefined) continue;
      const where = `${parent.SpanName} > ${row.SpanName}`;
      assert(
        BigInt(row.StartNs) >= BigInt(parent.StartNs),
        `${where} begins ${BigInt(parent.StartNs) - BigInt(row.StartNs)} ns early`,
      );
      assert(
        BigInt(row.EndNs) <= BigInt(parent.EndNs),
        `${where} ends ${BigInt(row.EndNs) - BigInt(parent.EndNs)} ns late`,
      );
    }
  });

  test("a job has a span for each build stage that ran, below the server's own", () => {
    assert.deepEqual(childrenOf("build", "job_execution"), [
      "archive_cache",
      "cleanup_file_variables",
      "get_sources",
      "prepare_executor",
      "prepare_script",
      "restore_cache",
      "step_script",
      "upload_artifacts",
    ]);
    assert.deepEqual(childrenOf("test", "job_execution"), [
      "after_script",
      "cleanup_file_variables",
      "download_artifacts",
      "get_sources",
      "prepare_executor",
      "prepare_script",
      "step_script",
      "upload_artifacts",
    ]);
    assert.deepEqual(childrenOf("test", "step_script"), ["section"]);
    for (const { id } of jobs) {
      const chain = ["job_running", "job_lifecycle"].map((name) => spanOf(id, name));
      assert.equal(spanOf(id, "job_execution").ParentSpanId, chain[0]?.SpanId);
      assert.equal(chain[0]?.ParentSpanId, chain[1]?.SpanId);
      assert.equal(chain[1]?.ParentSpanId, pipeline.spanId);
    }
  });

  test("statuses and attributes tell what happened", () => {
    const build = spanOf(jobNamed("build").id, "job_execution");
    assert.equal(build.StatusCode, "Ok");
    assert.equal(build.SpanKind, "Server");
    assert.equal(build.Attributes["ci.job.name"], "build");
    assert.equal(build.Attributes["ci.job.status"], "success");
    assert.equal(build.Attributes["ci.sha"], pipeline.sha);
    assert.equal(build.Attributes["cicd.pipeline.task.run.result"], "success");
    assert.equal(build.Resource["service.name"], "gitlab-ci-runner");

    const lint = spanOf(jobNamed("lint").id, "job_execution");
    assert.equal(lint.StatusCode, "Error");
    assert.equal(lint.Attributes["ci.job.failure_reason"], "script_failure");
    assert.equal(lint.Attributes["ci.job.exit_code"], "7");
    assert.equal(lint.Attributes["error.type"], "script_failure");
    const script = spanOf(jobNamed("lint").id, "step_script");
    assert.equal(script.Attributes["ci.stage.exit_code"], "7");
    assert.equal(script.Attributes["ci.stage.status"], "failed");

    const cache = spanOf(jobNamed("build").id, "restore_cache");
    assert.equal(cache.Attributes["ci.cache.hit"], "false");
    const archive = spanOf(jobNamed("build").id, "archive_cache");
    assert.match(archive.Attributes["ci.cache.key"] ?? "", /^deps/);
    assert(Number(archive.Attributes["ci.cache.size_bytes"]) > 0);
    const upload = spanOf(jobNamed("test").id, "upload_artifacts");
    assert.equal(upload.Attributes["ci.artifact.type"], "junit");
    const download = spanOf(jobNamed("test").id, "download_artifacts");
    assert.equal(download.Attributes["ci.artifact.from_job"], "build");
    for (const row of rows.filter(({ ServiceName }) => ServiceName === "gitlab-ci-runner")) {
      for (const name of [
        "ci.job.id",
        "ci.project.id",
        "ci.pipeline.id",
        "ci.pipeline.source",
        "ci.runner.id",
        "ci.runner.executor",
      ]) {
        assert(row.Attributes[name] !== undefined, `${row.SpanName} lacks ${name}`);
      }
    }
  });

  test("the script sees its own stage as TRACEPARENT", async () => {
    const test = jobNamed("test");
    const log = Buffer.from(await stack.coordinator.readJobLog(test.id)).toString();
    const stage = spanOf(test.id, "step_script");
    assert.match(log, new RegExp(`traceparent 00-${pipeline.traceId}-${stage.SpanId}-01`));
  });

  test("no secret is in any exported span nor in any log", async () => {
    const forms = [secret, encodeURIComponent(secret), ...base64Forms(secret)];
    assert(receiver.spans.length > 0);
    const exported = inspect([receiver.spans, rows], { depth: null, maxArrayLength: null, maxStringLength: null });
    for (const form of forms) assert(!exported.includes(form), `exported as ${form}`);
    for (const { id } of jobs) {
      const log = Buffer.from(await stack.coordinator.readJobLog(id)).toString();
      assert(!log.includes(secret));
    }
  });

  function jobNamed(name: string): JobView {
    const job = jobs.find((one) => one.name === name);
    assert(job !== undefined, `no job ${name}`);
    return job;
  }

  function spanOf(jobId: number, name: string): StoredSpan {
    const row = rows.find((one) => one.SpanName === name && one.Attributes["ci.job.id"] === String(jobId));
    assert(row !== undefined, `no ${name} of job ${jobId}`);
    return row;
  }

  function childrenOf(jobName: string, parentName: string): string[] {
    const parent = spanOf(jobNamed(jobName).id, parentName);
    return rows
      .filter(({ ParentSpanId }) => ParentSpanId === parent.SpanId)
      .map(({ SpanName }) => SpanName)
      .sort();
  }
});

/** The middle of a secret's base64 forms, at each of the three alignments, without the characters its ends share. */
function base64Forms(text: string): string[] {
  return [0, 1, 2].map((pad) =>
    Buffer.concat([Buffer.alloc(pad), Buffer.from(text)])
      .toString("base64")
      .slice(4, -4),
  );
}
