import assert from "node:assert/strict";
import { test } from "node:test";
import { childSpanId, jobSpanId } from "@jobscope/job-telemetry";
import { SpanKind } from "@opentelemetry/api";
import { beginning, nanos, parentSpanId, startTestJob, traceId } from "./support/traced-job.ts";

const key = { coordinatorUrl: "https://gitlab.example.com", jobId: 4711 };

test("job_execution is a server span below the span that GitLab named", () => {
  const { trace, span } = startTestJob();
  trace.end({ status: "success" });
  const root = span("job_execution");
  assert.equal(root.kind, SpanKind.SERVER);
  assert.deepEqual([root.spanContext().traceId, root.parentSpanContext?.spanId], [traceId, parentSpanId]);
  assert.deepEqual([trace.traceId, trace.spanId], [traceId, jobSpanId(key)]);
  assert.equal(root.spanContext().spanId, trace.spanId);
});

test("without a parent job_execution is a root span of that trace id, not of a random one", () => {
  const { trace, span } = startTestJob({ context: { traceId, parentSpanId: undefined } });
  trace.end({ status: "success" });
  assert.equal(span("job_execution").spanContext().traceId, traceId);
  assert.equal(span("job_execution").parentSpanContext, undefined);
});

test("stages are internal children of job_execution, and their children theirs", () => {
  const { trace, span } = startTestJob();
  const prepare = trace.startStage({ name: "prepare_executor" });
  prepare.startChild({ name: "start_services" }).end({ status: "success" });
  prepare.end({ status: "success" });
  trace.end({ status: "success" });
  assert.equal(span("prepare_executor").parentSpanContext?.spanId, trace.spanId);
  assert.equal(span("start_services").parentSpanContext?.spanId, prepare.spanId);
  assert.equal(span("start_services").kind, SpanKind.INTERNAL);
  assert.ok(!("ci.stage.name" in span("start_services").attributes), "what is below a stage is no stage");
});

test("pull_image is a child of job_execution with a link to the prepare_executor it happens in", () => {
  const { trace, span } = startTestJob();
  const prepare = trace.startStage({ name: "prepare_executor" });
  trace.startStage({ name: "pull_image", stageName: "prepare_executor" }).end({ status: "success" });
  prepare.end({ status: "success" });
  trace.end({ status: "success" });
  assert.equal(span("pull_image").parentSpanContext?.spanId, trace.spanId);
  assert.deepEqual(
    span("pull_image").links.map(({ context }) => context.spanId),
    [prepare.spanId],
  );
  assert.deepEqual(span("prepare_executor").links, []);
});

test("spans of one name are told apart by their ordinal, and every id is the contract's", () => {
  const { trace, ended } = startTestJob();
  for (const attempt of [1, 2]) trace.startStage({ name: "get_sources", attempt }).end({ status: "success" });
  trace.end({ status: "success" });
  const expected = [1, 2].map((ordinal) =>
    childSpanId(key, { parentSpanId: jobSpanId(key), name: "get_sources", ordinal }),
  );
  assert.deepEqual(
    ended.slice(0, 2).map((span) => span.spanContext().spanId),
    expected,
  );
  assert.deepEqual(
    ended.slice(0, 2).map((span) => span.attributes["ci.stage.attempt"]),
    [1, 2],
  );
});

test("functions are siblings of the stages, and those that they run their children", () => {
  const { trace, span } = startTestJob();
  const outer = trace.startFunction({
    name: "build",
    functionName: "registry.example.com/build",
    version: "1.0",
    type: "run",
  });
  outer
    .startFunction({ name: "compile", functionName: "./compile", version: "", type: "exec" })
    .end({ status: "success" });
  outer.end({ status: "failed", exitCode: 2 });
  trace.end({ status: "success" });
  assert.equal(span("build").parentSpanContext?.spanId, trace.spanId);
  assert.equal(span("compile").parentSpanContext?.spanId, outer.spanId);
  assert.deepEqual(
    [span("build").attributes["ci.function.depth"], span("compile").attributes["ci.function.depth"]],
    [0, 1],
  );
});

test("a function's type may be told when its definition is read, and its fetch is a span below it", () => {
  const { trace, span } = startTestJob();
  const fetched = trace.startFunction({ name: "build", functionName: "x/y", version: "1", type: undefined });
  const fetch = fetched.startChild({ name: "fetch_function", attributes: { "ci.resource.hit": false } });
  fetch.end({ status: "success" });
  fetched.setAttributes({ "ci.function.type": "exec" });
  fetched.end({ status: "success", exitCode: 0 });
  trace.startFunction({ name: "unread", functionName: "./x", version: "", type: undefined }).end({ status: "failed" });
  trace.end({ status: "success" });
  assert.equal(span("build").attributes["ci.function.type"], "exec");
  assert.equal(span("fetch_function").parentSpanContext?.spanId, fetched.spanId);
  assert.equal(span("fetch_function").attributes["ci.function.status"], undefined);
  assert.ok(!("ci.function.type" in span("unread").attributes));
});

test("sections nest as the log has them, and are closed as it should have closed them", () => {
  const { trace, ended } = startTestJob();
  const stage = trace.startStage({ name: "step_script" });
  const start = (name: string) =>
    stage.recordSection({ kind: "start", name, unixSeconds: 0x7fff_ffff, options: new Map([["collapsed", "true"]]) });
  const end = (name: string) => stage.recordSection({ kind: "end", name, unixSeconds: 0x7fff_ffff });
  end("never begun");
  start("outer");
  start("inner");
  start("forgotten");
  end("inner");
  end("inner");
  end("outer");
  stage.end({ status: "success" });
  trace.end({ status: "success" });
  const nameById = new Map(
    ended.map((span) => [span.spanContext().spanId, span.attributes["ci.section.name"] ?? span.name]),
  );
  const tree = ended.map(
    (span) => `${nameById.get(span.parentSpanContext?.spanId ?? "")} > ${nameById.get(span.spanContext().spanId)}`,
  );
  assert.deepEqual(tree.slice(0, 4), [
    "inner > forgotten",
    "outer > inner",
    "step_script > outer",
    "job_execution > step_script",
  ]);
  assert.ok(
    ended.slice(0, 3).every((span) => span.name === "section" && span.attributes["ci.section.collapsed"] === true),
  );
});

test("a section that is printed as it happens has our clock's times, one printed afterwards its own", () => {
  const { trace, ended, pass } = startTestJob();
  const stage = trace.startStage({ name: "step_script" });
  const second = Number(beginning / 1_000_000_000n);
  const section = (name: string, from: number, to: number, lengthMs: number) => {
    stage.recordSection({ kind: "start", name, unixSeconds: from, options: new Map() });
    pass(lengthMs);
    stage.recordSection({ kind: "end", name, unixSeconds: to });
  };
  section("as it happens", second, second, 250);
  pass(60_000);
  section("afterwards", second + 10, second + 40, 0);
  section("before the stage", second - 500, second + 20, 0);
  section("in the future", second + 900, second + 999, 0);
  trace.end({ status: "success" });
  const times = ended
    .slice(0, 4)
    .map((span) => [span.startTime, span.endTime].map((time) => Number(nanos(time) - beginning) / 1e9));
  assert.deepEqual(times, [
    [0, 0.25],
    [10, 40],
    [0, 20],
    [60.25, 60.25],
  ]);
});

test("a section does not end before what was in it, whatever its marker says", () => {
  const { trace, ended, pass } = startTestJob();
  const stage = trace.startStage({ name: "step_script" });
  const second = Number(beginning / 1_000_000_000n);
  stage.recordSection({ kind: "start", name: "outer", unixSeconds: second, options: new Map() });
  pass(60_000);
  stage.recordSection({ kind: "start", name: "inner", unixSeconds: second + 60, options: new Map() });
  pass(1_000);
  stage.recordSection({ kind: "end", name: "inner", unixSeconds: second + 61 });
  stage.recordSection({ kind: "end", name: "outer", unixSeconds: second + 10 });
  trace.end({ status: "success" });
  const ends = ended.slice(0, 2).map((span) => Number(nanos(span.endTime) - beginning) / 1e9);
  assert.deepEqual(ends, [61, 61]);
});

test("command spans are opt-in, section spans can be switched off", () => {
  const without = startTestJob({ policy: { sectionSpans: false } });
  const stage = without.trace.startStage({ name: "step_script" });
  assert.equal(stage.startCommand({ text: "make" }).spanId, undefined);
  assert.equal(stage.startSection({ name: "x" }).spanId, undefined);
  stage.recordSection({ kind: "start", name: "x", unixSeconds: 1, options: new Map() });
  without.trace.end({ status: "success" });
  assert.deepEqual(
    without.ended.map(({ name }) => name),
    ["step_script", "job_execution"],
  );
  assert.equal(without.trace.stats().droppedSpans, 0);

  const { trace, span } = startTestJob({ policy: { commandSpans: true } });
  const script = trace.startStage({ name: "step_script" });
  script.startCommand({ text: "make test", index: 2 }).end({ status: "failed", exitCode: 3 });
  trace.end({ status: "success" });
  const { attributes, status, parentSpanContext } = span("command");
  assert.deepEqual(
    [attributes["ci.command.text"], attributes["ci.command.index"], attributes["ci.command.exit_code"]],
    ["make test", 2, 3],
  );
  assert.equal(status.message, "exit code 3");
  assert.equal(parentSpanContext?.spanId, script.spanId);
});

test("a span that began before it was told lies within its parent all the same", () => {
  const { trace, span, pass } = startTestJob();
  pass(100);
  trace.startStage({ name: "get_sources", startedAt: beginning + 50_000_000n }).end({ status: "success" });
  trace.startStage({ name: "step_script", startedAt: beginning - 50_000_000n }).end({ status: "success" });
  trace.startStage({ name: "after_script", startedAt: beginning + 999_000_000_000n }).end({ status: "success" });
  trace.end({ status: "success" });
  const starts = ["get_sources", "step_script", "after_script"].map(
    (name) => Number(nanos(span(name).startTime) - beginning) / 1e6,
  );
  assert.deepEqual(starts, [50, 0, 100]);
});

test("a job that was acknowledged before its trace began, began then", () => {
  const { trace, span } = startTestJob({ startedAt: beginning - 7n });
  trace.end({ status: "success" });
  assert.equal(nanos(span("job_execution").startTime), beginning - 7n);
});

test("the times of a span are exact to the nanosecond", () => {
  const { trace, span, pass } = startTestJob();
  pass(0.000_001);
  const stage = trace.startStage({ name: "step_script" });
  pass(1234.567_891);
  stage.end({ status: "success" });
  assert.equal(nanos(span("step_script").startTime), beginning + 1n);
  assert.equal(nanos(span("step_script").endTime), beginning + 1_234_567_892n);
});

test("processes of a span get its context, those of a span that was given up the one above", () => {
  const { trace } = startTestJob({ policy: { maxSpansPerJob: 2 } });
  const stage = trace.startStage({ name: "step_script" });
  assert.deepEqual(stage.environment, { TRACEPARENT: `00-${traceId}-${stage.spanId}-01` });
  assert.equal(stage.traceparent, `00-${traceId}-${stage.spanId}-01`);
  const givenUp = stage.startFunction({ name: "f", functionName: "f", version: "", type: "exec" });
  assert.equal(givenUp.spanId, undefined);
  assert.equal(givenUp.traceparent, stage.traceparent);
  assert.equal(
    givenUp.startFunction({ name: "g", functionName: "g", version: "", type: "exec" }).traceparent,
    stage.traceparent,
  );
});

test("a tracestate is handed on to every span's processes", () => {
  const { trace } = startTestJob({ traceState: "vendor=x" });
  const child = trace.startStage({ name: "prepare_executor" }).startChild({ name: "start_services" });
  assert.equal(child.environment["TRACESTATE"], "vendor=x");
});
