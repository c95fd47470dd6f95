// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the expressions of functions look like that
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { inspect } from "node:util";
import type { Collector } from "@jobscope/collector";
import type { JobView, PipelineView } from "@jobscope/coordinator";
import { skipWithoutEngine } from "../support/docker-engine.ts";
import { type DockerRunner, dockerRunner } from "../support/docker-runner.ts";
import { type Stack, startStack, startTestCollector } from "../support/stack.ts";
import { readStoredSpans, type StoredSpan } from "../support/stored-spans.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../support/temporary-directory.ts";
import { type TemporaryRepository, temporaryRepository } from "../support/temporary-repository.ts";

const maskedSecret = "s3cr3t-Pa55w0rd-of-the-project";
const sensitiveInput = "declared-sensitive-passphrase";
const sensitiveOutput = "declared-sensitive-result";

const files = {
  ".gitlab-ci.yml": `
stages: [build, test]

build:
  stage: build
  cache:
    key: deps
    paths: [deps]
  run:
    - name: compile
      func: ./functions/compile
      inputs: { level: 3, passphrase: ${sensitiveInput} }
    - name: tell
      script: |
        echo "result \${{ steps.compile.outputs.result }}"
        echo "exported <$COMPILED>, secret \${{ vars.SECRET }}, traceparent <$TRACEPARENT>"
        mkdir -p deps && date > deps/stamp
    - name: again
      func: ./functions/write
      inputs: { level: 3, passphrase: "\${{ steps.compile.outputs.hidden }}" }
    - name: shared
      func:
        git:
          url: \${{ vars.CI_SERVER_PROTOCOL }}://gitlab-ci-token:\${{ vars.CI_JOB_TOKEN }}@\${{ vars.CI_SERVER_FQDN }}/\${{ vars.CI_PROJECT_PATH }}.git
          rev: main
          dir: functions/inner
  artifacts:
    paths: [out]

failing:
  stage: build
  allow_failure: { exit_codes: 5 }
  run:
    - name: outer
      func: ./functions/failing
    - name: never
      script: echo never

unloadable:
  stage: build
  allow_failure: true
  run:
    - name: missing
      func: ./functions/none

test:
  stage: test
  needs: [build]
  script: [grep 3 out/result]
`,
  "functions/compile/func.yml": `spec:
  inputs:
    level: { type: number }
    passphrase: { type: string, sensitive: true }
  outputs:
    result: { type: number }
    hidden: { type: string, sensitive: true }
---
run:
  - name: write
    func: ../write
    inputs: { level: "\${{ inputs.level }}", passphrase: "\${{ inputs.passphrase }}" }
  - name: inner
    func: ../inner
outputs:
  result: \${{ inputs.level * 2 }}
  hidden: \${{ steps.write.outputs.hidden }}
`,
  "functions/write/func.yml": `spec:
  inputs:
    level: { type: number }
    passphrase: { type: string, sensitive: true }
  outputs:
    hidden: { type: string, sensitive: true }
---
exec:
  command:
    - sh
    - -c
    - |
      mkdir -p out && echo "$0" > out/result && echo "with $1"
      echo '{"name":"hidden","value":"${sensitiveOutput}"}' > "$2"
      echo '{"name":"COMPILED","value":"yes"}' > "$3"
    - \${{ inputs.level }}
    - \${{ inputs.passphrase }}
    - \${{ output_file }}
    - \${{ export_file }}
`,
  "functions/inner/func.yml": 'spec: {}\n---\nexec: { command: [sh, -c, "echo inner of $TRACEPARENT"] }\n',
  "functions/failing/func.yml":
    "spec: {}\n---\nrun:\n  - { name: good, func: ../inner }\n  - { name: bad, script: exit 5 }\n  - { name: skipped, script: echo skipped }\n",
};

const storage = new AsyncDisposableStack();
let collector: Collector;

before(async () => {
  const directory = storage.use<TemporaryDirectory>(await temporaryDirectory());
  collector = storage.use<Collector>(await startTestCollector(directory.path));
});

after(() => storage.disposeAsync());

describe("jobs of CI Functions, traced end to end", () => describeFunctions("shell"));

describe("jobs of CI Functions in containers, traced end to end", { skip: skipWithoutEngine }, () =>
  describeFunctions("docker"),
);

/** The same pipeline, wherever its commands run. */
function describeFunctions(executor: "shell" | "docker"): void {
  let resources: AsyncDisposableStack;
  let stack: Stack;
  let pipeline: PipelineView;
  let jobs: readonly JobView[];
  let spans: StoredSpan[];
  const logs = new Map<string, string>();

  before(async () => {
    resources = new AsyncDisposableStack();
    const repository = resources.use<TemporaryRepository>(await temporaryRepository(files));
    assert(collector.otlpHttpUrl !== undefined && collector.apiUrl !== undefined);
    const runner = executor === "shell" ? {} : resources.use<DockerRunner>(await dockerRunner()).keys;
    stack = resources.use<Stack>(await startStack({ endpointUrls: [collector.otlpHttpUrl], runner }));
    const running = await stack.coordinator.createPipeline({
      repository: repository.path,
      projectVariables: [{ key: "SECRET", value: maskedSecret, masked: true }],
    });
    pipeline = await running.finished;
    jobs = running.jobs();
    for (const { id, name } of jobs) logs.set(name, Buffer.from(await stack.coordinator.readJobLog(id)).toString());
    await stack.flush();
    await stack.manager[Symbol.asyncDispose]();
    spans = await readStoredSpans(collector.apiUrl, pipeline.traceId);
  });

  after(() => resources.disposeAsync());

  test("the jobs end as their functions do, and hand on artifacts as script jobs do", () => {
    const ends = jobs.map(({ name, state }) => `${name} ${state}`).sort();
    assert.deepEqual(ends, ["build success", "failing failed", "test success", "unloadable failed"], inspect(logs));
    assert.equal(pipeline.state, "success");
  });

  test("functions are siblings of the stages, and those that functions call are below these", () => {
    assert.deepEqual(childrenOf(spanOf("build", "job_execution")), [
      "again",
      "archive_cache",
      "cleanup_file_variables",
      "compile",
      "get_sources",
      "prepare_executor",
      "prepare_script",
      ...(executor === "docker" ? ["pull_image", "pull_image"] : []),
      "restore_cache",
      "shared",
      "tell",
      "upload_artifacts",
    ]);
    assert.deepEqual(childrenOf(spanOf("build", "compile")), ["inner", "write"]);
    assert.deepEqual(childrenOf(spanOf("build", "shared")), ["fetch_function"]);
    assert.deepEqual(childrenOf(spanOf("failing", "outer")), ["bad", "good"]);
    assert.ok(!spans.some(({ SpanName }) => SpanName === "never" || SpanName === "skipped"));
  });

  test("every span lies within its parent, and none is an orphan", () => {
    const byId = new Map(spans.map((span) => [span.SpanId, span]));
    for (const span of spans.filter(({ ParentSpanId }) => ParentSpanId !== "")) {
      const parent = byId.get(span.ParentSpanId);
      assert(parent !== undefined, `${span.SpanName} is an orphan`);
      assert(BigInt(span.StartNs) >= BigInt(parent.StartNs), `${span.SpanName} begins before ${parent.SpanName}`);
      assert(BigInt(span.EndNs) <= BigInt(parent.EndNs), `${span.SpanName} ends after ${parent.SpanName}`);
    }
  });

  const expected: readonly { job: string; span: string; status: string; attributes: Record<string, string> }[] = [
    { job: "build", span: "compile", status: "Ok", attributes: aFunction("./functions/compile", "run", "0") },
    {
      job: "build",
      span: "write",
      status: "Ok",
      attributes: { ...aFunction("../write", "exec", "1"), "ci.function.exit_code": "0" },
    },
    { job: "build", span: "tell", status: "Ok", attributes: aFunction("script", "script", "0") },
    { job: "failing", span: "good", status: "Ok", attributes: aFunction("../inner", "exec", "1") },
    {
      job: "failing",
      span: "bad",
      status: "Error",
      attributes: {
        ...aFunction("script", "script", "1", "failed"),
        "ci.function.exit_code": "5",
        "error.type": "script_failure",
      },
    },
    {
      job: "failing",
      span: "outer",
      status: "Error",
      attributes: aFunction("./functions/failing", "run", "0", "failed"),
    },
    {
      job: "unloadable",
      span: "missing",
      status: "Error",
      attributes: {
        "ci.function.name": "./functions/none",
        "ci.function.status": "failed",
        "error.type": "function_not_found",
      },
    },
  ];
  for (const { job, span, status, attributes } of expected) {
    test(`the span "${span}" says what was called and how it ended (telemetry.md §2)`, () => {
      const found = spanOf(job, span);
      assert.equal(found.StatusCode, status);
      assert.partialDeepStrictEqual(found.Attributes, attributes);
      assert.equal(found.Attributes["ci.runner.executor"], executor);
    });
  }

  test("a failure names the steps that led to it, in the span, on the job and in the log", () => {
    const message = 'step "outer": step "bad": exec: exit code 5';
    assert.equal(spanOf("failing", "outer").StatusMessage, message);
    const job = spanOf("failing", "job_execution");
    assert.partialDeepStrictEqual(job.Attributes, {
      "ci.job.failure_reason": "script_failure",
      "ci.job.exit_code": "5",
    });
    assert.ok(logs.get("failing")?.includes(`ERROR: Job failed: ${message}`));
  });

  test("a function of another repository is fetched with the job token, and its span says so", () => {
    const fetch = spanOf("build", "fetch_function");
    const { port } = new URL(stack.coordinator.url);
    assert.partialDeepStrictEqual(fetch.Attributes, {
      "ci.resource.type": "function",
      "ci.resource.operation": "fetch",
      "ci.resource.hit": "false",
    });
    assert.match(
      fetch.Attributes["ci.resource.key"] ?? "",
      new RegExp(`^127\\.0\\.0\\.1:${port}/[^@]+/functions/inner@main$`),
    );
    assert(Number(fetch.Attributes["ci.network.rx_bytes"]) > 0);
    assert.equal(spanOf("build", "shared").Attributes["ci.function.version"], "main");
  });

  test("outputs, exports and variables reach the steps, and each process sees its own span as TRACEPARENT", () => {
    const log = logs.get("build") ?? "";
    const traceparent = (name: string) => `00-${pipeline.traceId}-${spanOf("build", name).SpanId}-01`;
    assert.ok(log.includes("result 6\n") && log.split("with [MASKED]\n").length === 3, log);
    assert.ok(log.includes(`exported <yes>, secret [MASKED], traceparent <${traceparent("tell")}>`), log);
    assert.ok(log.includes(`inner of ${traceparent("inner")}`) && log.includes(`inner of ${traceparent("shared")}`));
  });

  test("no secret is in a span or a log: not a masked one, and none that a function declares", () => {
    const everything = inspect([spans, [...logs]], { depth: null, maxArrayLength: null, maxStringLength: null });
    for (const text of [maskedSecret, sensitiveInput, sensitiveOutput, "glcbt-"]) {
      const places = everything.split(text).length - 1;
      const prefixes = everything.split("glcbt-[MASKED]").length - 1;
      assert.equal(places, text === "glcbt-" ? prefixes : 0, text);
    }
  });

  function aFunction(name: string, type: string, depth: string, status = "success"): Record<string, string> {
    return {
      "ci.function.name": name,
      "ci.function.type": type,
      "ci.function.depth": depth,
      "ci.function.status": status,
    };
  }

  function spanOf(jobName: string, spanName: string): StoredSpan {
    const id = jobs.find(({ name }) => name === jobName)?.id;
    const found = spans.find((span) => span.SpanName === spanName && span.Attributes["ci.job.id"] === String(id));
    assert(found !== undefined, `no ${spanName} of ${jobName}`);
    return found;
  }

  function childrenOf({ SpanId }: StoredSpan): string[] {
    return spans
      .filter(({ ParentSpanId }) => ParentSpanId === SpanId)
      .map(({ SpanName }) => SpanName)
      .sort();
  }
}
