import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { test } from "node:test";
import type { SpanProcessor } from "../src/manager/job-telemetry.ts";
import { aVariable } from "./support/job-payload.ts";
import { aScriptJob, finalUpdateOf, withManager } from "./support/with-manager.ts";

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
