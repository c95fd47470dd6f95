import assert from "node:assert/strict";
import { test } from "node:test";
import { type JobTrace, untracedJobTrace } from "@jobscope/job-telemetry";
import type { Log } from "@jobscope/labkit";
import type { SpanProcessor } from "@opentelemetry/sdk-trace";
import { secret, startTestJob } from "./support/traced-job.ts";

function fail(): never {
  throw new Error("a bug");
}

const failing: SpanProcessor = { onStart: fail, onEnd: fail, onEnding: fail, forceFlush: fail, shutdown: fail };
const failingMasker = { mask: fail, maskedCount: 0, add: fail };

/** Does everything that can be done to a trace. */
function exercise(trace: JobTrace): void {
  trace.setAttributes({ "ci.job.name": "x" });
  const stage = trace.startStage({ name: "step_script" });
  stage.setAttributes({ "ci.stage.exit_code": 1 });
  stage.startCommand({ text: "true" }).end();
  stage.startSection({ name: "s" }).end();
  stage.recordSection({ kind: "start", name: "s", unixSeconds: 1, options: new Map() });
  stage.startChild({ name: "start_services" }).end({ status: "success" });
  const outer = stage.startFunction({ name: "f", functionName: "f", version: "", type: "run" });
  outer.startFunction({ name: "g", functionName: "g", version: "", type: "exec" }).end({ status: "skipped" });
  outer.end({ status: "failed", error: new Error("x") });
  assert.equal(typeof stage.environment, "object");
  stage.end({ status: "canceled" });
  trace.end({ status: "success" });
  trace[Symbol.dispose]();
}

test("a span processor that throws hurts neither the job nor the processor beside it", () => {
  const { trace, ended, logged } = startTestJob({ spanProcessors: [failing] });
  exercise(trace);
  assert.equal(ended.length, 7);
  assert.equal(logged.length, 1);
  assert.equal(logged[0]?.message, "telemetry of a job has a fault; the job is not affected");
  assert.equal(trace.stats().faults, 7 * 3);
});

test("a masker that throws leaves the text out: nothing goes unmasked", () => {
  const { trace, ended, logged } = startTestJob({ masker: failingMasker });
  trace.startStage({ name: secret, attributes: { "ci.cache.key": secret } });
  trace.end({ status: "failed", failureReason: "script_failure", message: secret });
  assert.equal(ended.length, 2);
  assert.ok(
    !JSON.stringify(ended.map(({ name, attributes, status }) => ({ name, attributes, status }))).includes(secret),
  );
  assert.equal(logged.length, 1);
});

test("a clock that throws, and a log that throws too, leave the job untraced", () => {
  const log: Log = { debug: fail, info: fail, warn: fail, error: fail, child: fail };
  const { trace } = startTestJob({ clock: { timeline: fail }, log });
  assert.equal(trace, untracedJobTrace);
});

test("a clock that begins to throw does not get into the caller", () => {
  let reading = 0;
  const now = () => (reading++ > 3 ? fail() : 1n);
  const { trace, logged } = startTestJob({ clock: { timeline: () => ({ now }) } });
  exercise(trace);
  assert.equal(logged.length, 1);
});

test("arguments of wrong types, from a caller without types, do no harm", () => {
  const { trace } = startTestJob();
  const untyped = trace as unknown as Record<string, (argument: unknown) => unknown>;
  for (const argument of [undefined, null, 7, "x", {}, { name: 7 }, { status: "odd" }, new Proxy({}, { get: fail })]) {
    for (const method of ["setAttributes", "startStage", "startFunction", "end"]) untyped[method]?.(argument);
  }
  assert.ok(trace.stats().faults > 0);
});

test("the trace of an untraced job takes everything and gives nothing", () => {
  exercise(untracedJobTrace);
  const stage = untracedJobTrace.startStage({ name: "step_script" });
  assert.deepEqual(
    [untracedJobTrace.traceId, untracedJobTrace.spanId, stage.traceparent, stage.spanId],
    [undefined, undefined, undefined, undefined],
  );
  assert.deepEqual(stage.environment, {});
  assert.equal(untracedJobTrace.stats().spans, 0);
});
