import assert from "node:assert/strict";
import { test } from "node:test";
import type { JobVerdict, SpanOutcome } from "@jobscope/job-telemetry";
import { SpanStatusCode } from "@opentelemetry/api";
import { startTestJob } from "./support/traced-job.ts";

const { OK, ERROR, UNSET } = SpanStatusCode;

class PullError extends Error {}

const outcomes: {
  name: string;
  outcome: SpanOutcome;
  code: SpanStatusCode;
  message?: string;
  errorType?: string;
  stageStatus: string;
  exitCode?: number;
}[] = [
  { name: "a success", outcome: { status: "success" }, code: OK, stageStatus: "success" },
  {
    name: "a success with an exit code",
    outcome: { status: "success", exitCode: 0 },
    code: OK,
    stageStatus: "success",
    exitCode: 0,
  },
  { name: "skipped", outcome: { status: "skipped" }, code: UNSET, stageStatus: "skipped" },
  {
    name: "a script that failed",
    outcome: { status: "failed", exitCode: 3 },
    code: ERROR,
    message: "exit code 3",
    errorType: "script_failure",
    stageStatus: "failed",
    exitCode: 3,
  },
  {
    name: "a failure with a reason",
    outcome: { status: "failed", errorType: "image_pull_failure", message: "not found" },
    code: ERROR,
    message: "not found",
    errorType: "image_pull_failure",
    stageStatus: "failed",
  },
  {
    name: "a failure with a text of many lines",
    outcome: { status: "failed", message: "\n  first\nsecond" },
    code: ERROR,
    message: "first",
    errorType: "_OTHER",
    stageStatus: "failed",
  },
  {
    name: "a failure of which nothing is known",
    outcome: { status: "failed" },
    code: ERROR,
    message: "_OTHER",
    errorType: "_OTHER",
    stageStatus: "failed",
  },
  {
    name: "an error of a known class",
    outcome: { status: "failed", error: new PullError("no such image") },
    code: ERROR,
    message: "no such image",
    errorType: "PullError",
    stageStatus: "failed",
  },
  {
    name: "a cancellation",
    outcome: { status: "canceled" },
    code: ERROR,
    message: "canceled",
    errorType: "job_canceled",
    stageStatus: "canceled",
  },
  {
    name: "a cancellation with a reason",
    outcome: { status: "canceled", message: "timeout" },
    code: ERROR,
    message: "timeout",
    errorType: "job_canceled",
    stageStatus: "canceled",
  },
];

for (const { name, outcome, code, message, errorType, stageStatus, exitCode } of outcomes) {
  test(`a stage ends with ${name}`, () => {
    const { trace, span } = startTestJob();
    trace.startStage({ name: "step_script" }).end(outcome);
    const { status, attributes } = span("step_script");
    assert.deepEqual([status.code, status.message], [code, message]);
    assert.equal(attributes["error.type"], errorType);
    assert.equal(attributes["ci.stage.status"], stageStatus);
    assert.equal(attributes["ci.stage.exit_code"], exitCode);
  });
}

test("an error of our own becomes an exception event, a script's failure does not", () => {
  const { trace, span } = startTestJob();
  trace.startStage({ name: "pull_image" }).end({ status: "failed", error: new PullError("no such image") });
  trace.startStage({ name: "step_script" }).end({ status: "failed", exitCode: 1 });
  const [event] = span("pull_image").events;
  assert.equal(event?.name, "exception");
  assert.equal(event?.attributes?.["exception.type"], "PullError");
  assert.equal(event?.attributes?.["exception.message"], "no such image");
  assert.match(String(event?.attributes?.["exception.stacktrace"]), /span-endings\.test/);
  assert.deepEqual(span("step_script").events, []);
});

test("a function has no status canceled, its description says it", () => {
  const { trace, span } = startTestJob();
  trace
    .startFunction({ name: "f", functionName: "./f", version: "", type: "exec" })
    .end({ status: "canceled", message: "timeout" });
  assert.equal(span("f").attributes["ci.function.status"], "failed");
  assert.equal(span("f").status.message, "timeout");
});

const verdicts: {
  name: string;
  verdict: JobVerdict;
  code: SpanStatusCode;
  job: string;
  reason?: string;
  result: string;
}[] = [
  { name: "success", verdict: { status: "success" }, code: OK, job: "success", result: "success" },
  {
    name: "a failed script",
    verdict: { status: "failed", failureReason: "script_failure", exitCode: 5 },
    code: ERROR,
    job: "failed",
    reason: "script_failure",
    result: "failure",
  },
  {
    name: "a timeout",
    verdict: { status: "failed", failureReason: "job_execution_timeout" },
    code: ERROR,
    job: "failed",
    reason: "job_execution_timeout",
    result: "timeout",
  },
  {
    name: "a system failure",
    verdict: { status: "failed", failureReason: "runner_system_failure" },
    code: ERROR,
    job: "failed",
    reason: "runner_system_failure",
    result: "error",
  },
  {
    name: "a runner that is stopped",
    verdict: { status: "failed", failureReason: "runner_interrupted" },
    code: ERROR,
    job: "failed",
    reason: "runner_interrupted",
    result: "error",
  },
  {
    name: "a cancellation",
    verdict: { status: "canceled" },
    code: ERROR,
    job: "canceled",
    reason: "job_canceled",
    result: "cancellation",
  },
  {
    name: "a failure for being canceled",
    verdict: { status: "failed", failureReason: "job_canceled" },
    code: ERROR,
    job: "canceled",
    reason: "job_canceled",
    result: "cancellation",
  },
];

for (const { name, verdict, code, job, reason, result } of verdicts) {
  test(`a job ends with ${name}`, () => {
    const { trace, span } = startTestJob();
    trace.end({ ...verdict, logBytes: 99 });
    const { status, attributes } = span("job_execution");
    assert.equal(status.code, code);
    assert.equal(attributes["error.type"], reason);
    assert.deepEqual([attributes["ci.job.status"], attributes["ci.job.failure_reason"]], [job, reason]);
    assert.equal(attributes["cicd.pipeline.task.run.result"], result);
    assert.equal(attributes["ci.job.exit_code"], verdict.status === "failed" ? verdict.exitCode : undefined);
    assert.equal(attributes["ci.job.log.bytes"], 99);
    assert.ok(!("ci.stage.status" in attributes));
  });
}

const cutShort: {
  name: string;
  verdict: JobVerdict;
  section: SpanStatusCode;
  stage: SpanStatusCode;
  errorType?: string;
  message?: string;
}[] = [
  {
    name: "fails",
    verdict: { status: "failed", failureReason: "runner_system_failure", message: "disk full" },
    section: ERROR,
    stage: ERROR,
    errorType: "runner_system_failure",
    message: "disk full",
  },
  {
    name: "is canceled",
    verdict: { status: "canceled" },
    section: ERROR,
    stage: ERROR,
    errorType: "job_canceled",
    message: "canceled",
  },
  { name: "succeeds", verdict: { status: "success" }, section: UNSET, stage: UNSET },
];

for (const { name, verdict, section, stage, errorType, message } of cutShort) {
  test(`spans that are open when the job ${name} are closed, children before parents`, () => {
    const { trace, ended, span, pass } = startTestJob();
    const script = trace.startStage({ name: "step_script" });
    script.startSection({ name: "open" });
    trace.startFunction({ name: "f", functionName: "./f", version: "", type: "exec" });
    pass(10);
    trace.end(verdict);
    assert.deepEqual(
      ended.map((each) => each.name),
      ["f", "section", "step_script", "job_execution"],
    );
    assert.deepEqual([span("section").status.code, span("step_script").status.code], [section, stage]);
    assert.deepEqual(
      [span("step_script").status.message, span("step_script").attributes["error.type"]],
      [message, errorType],
    );
    assert.ok(ended.every((each) => each.ended));
  });
}

test("a section that is open when its script succeeds has succeeded with it", () => {
  const { trace, span } = startTestJob();
  const script = trace.startStage({ name: "step_script" });
  script.startSection({ name: "open" });
  script.end({ status: "success", exitCode: 0 });
  assert.equal(span("section").status.code, OK);
});

test("a job that is let go without a verdict is a system failure", () => {
  const { trace, span } = startTestJob();
  trace.startStage({ name: "step_script" });
  trace[Symbol.dispose]();
  assert.equal(span("job_execution").attributes["ci.job.failure_reason"], "runner_system_failure");
  assert.equal(span("step_script").status.code, ERROR);
});

test("after its end a span takes nothing more, and the first end counts", () => {
  const { trace, ended, span, logged } = startTestJob();
  const stage = trace.startStage({ name: "step_script" });
  stage.end({ status: "success" });
  stage.end({ status: "failed", exitCode: 1 });
  stage.setAttributes({ "ci.stage.exit_code": 1 });
  stage.startChild({ name: "late" }).end({ status: "success" });
  stage.recordSection({ kind: "start", name: "late", unixSeconds: 1, options: new Map() });
  trace.end({ status: "success" });
  trace.end({ status: "canceled" });
  trace.setAttributes({ "ci.job.name": "late" });
  trace.startStage({ name: "late" }).startChild({ name: "later" });
  trace[Symbol.dispose]();
  assert.deepEqual(
    ended.map(({ name }) => name),
    ["step_script", "job_execution"],
  );
  assert.equal(span("step_script").status.code, OK);
  assert.equal(span("job_execution").status.code, OK);
  assert.deepEqual(logged, []);
});
