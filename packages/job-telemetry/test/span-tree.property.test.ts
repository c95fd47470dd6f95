import assert from "node:assert/strict";
import { test } from "node:test";
import { type FunctionSpan, type SpanOutcome, type StageSpan, spanPriority } from "@jobscope/job-telemetry";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import fc from "fast-check";
import { nanos, startTestJob, type TestJob, traceId } from "./support/traced-job.ts";

/** A function does less than a stage; the deeds that it cannot do are left out. */
type Stage = FunctionSpan & Partial<StageSpan>;

/** One thing that a runner does to a trace; `pick` chooses among the spans there are. */
interface Deed {
  readonly kind: "stage" | "child" | "function" | "command" | "section" | "sectionEnd" | "end" | "pass" | "jobEnd";
  readonly pick: number;
  readonly name: string;
  readonly seconds: number;
  readonly outcome: SpanOutcome;
}

const anyOutcome = fc.constantFrom<SpanOutcome>(
  { status: "success" },
  { status: "failed", exitCode: 1 },
  { status: "canceled" },
  { status: "skipped" },
);
const anyDeed: fc.Arbitrary<Deed> = fc.record({
  kind: fc.constantFrom(
    "stage",
    "child",
    "function",
    "command",
    "section",
    "section",
    "sectionEnd",
    "end",
    "pass",
    "pass",
  ),
  pick: fc.nat(),
  name: fc.constantFrom("get_sources", "step_script", "pull_image", "prepare_executor", "a", "b"),
  seconds: fc.integer({ min: 1_755_820_790, max: 1_755_820_900 }),
  outcome: anyOutcome,
});

function play(deeds: readonly Deed[], maxSpansPerJob: number): TestJob {
  const job = startTestJob({ policy: { maxSpansPerJob, commandSpans: true } });
  const stages: Stage[] = [job.trace.startStage({ name: "prepare_executor" })];
  for (const deed of deeds) perform(deed, job, stages);
  job.trace.end({ status: "failed", failureReason: "script_failure" });
  return job;
}

function perform({ kind, pick, name, seconds, outcome }: Deed, { trace, pass }: TestJob, stages: Stage[]): void {
  const stage = stages[pick % stages.length] as Stage;
  if (kind === "pass") pass(pick % 20_000);
  else if (kind === "stage") stages.push(trace.startStage({ name, startedAt: BigInt(seconds) * 1_000_000_000n }));
  else if (kind === "child") stages.push(stage.startChild?.({ name }) ?? stage);
  else if (kind === "function")
    stages.push(stage.startFunction({ name, functionName: name, version: "", type: "exec" }));
  else if (kind === "command") stage.startCommand({ text: name });
  else if (kind === "section") stage.recordSection({ kind: "start", name, unixSeconds: seconds, options: new Map() });
  else if (kind === "sectionEnd") stage.recordSection({ kind: "end", name, unixSeconds: seconds });
  else if (kind === "end") stage.end(outcome);
}

test("whatever a job does: one root, no orphan, children within their parents and ended before them", () => {
  fc.assert(
    fc.property(fc.array(anyDeed, { maxLength: 60 }), fc.integer({ min: 1, max: 60 }), (deeds, maxSpansPerJob) => {
      const { ended, started, trace, logged } = play(deeds, maxSpansPerJob);
      const spanById = new Map(ended.map((span, index) => [span.spanContext().spanId, { span, index }]));
      assert.equal(spanById.size, ended.length, "an id twice");
      assert.equal(started.length, ended.length, "a span without an end");
      assert.equal(trace.stats().spans, ended.length);
      assert.deepEqual(logged, []);
      for (const [index, span] of ended.entries()) {
        assert.equal(span.spanContext().traceId, traceId);
        assert.ok(nanos(span.startTime) <= nanos(span.endTime));
        if (span.name === "job_execution") continue;
        const parent = spanById.get(span.parentSpanContext?.spanId ?? "");
        assert.ok(parent !== undefined && parent.index > index, "a parent that is missing or ended first");
        assert.ok(
          nanos(span.startTime) >= nanos(parent.span.startTime) && nanos(span.endTime) <= nanos(parent.span.endTime),
        );
      }
    }),
    { numRuns: 300 },
  );
});

test("the same job has the same ids again", () => {
  fc.assert(
    fc.property(fc.array(anyDeed, { maxLength: 40 }), (deeds) => {
      const ids = () => play(deeds, 1000).ended.map((span) => span.spanContext().spanId);
      assert.deepEqual(ids(), ids());
    }),
    { numRuns: 50 },
  );
});

test("whatever a job does, a full queue gives its spans up from the leaves, and the job's own last", () => {
  fc.assert(
    fc.property(fc.array(anyDeed, { maxLength: 60 }), fc.integer({ min: 1, max: 20 }), (deeds, room) => {
      const { ended } = play(deeds, 1000);
      const kept: ReadableSpan[] = [];
      for (const span of ended) {
        kept.push(span);
        if (kept.length > room) giveOneUp(kept);
      }
      const ids = new Set(kept.map((span) => span.spanContext().spanId));
      for (const span of kept) {
        const isWhole = span.name === "job_execution" || ids.has(span.parentSpanContext?.spanId ?? "");
        assert.ok(isWhole, `${span.name} is kept, but not its parent`);
      }
      const isStage = (span: ReadableSpan) => span.attributes["ci.stage.name"] !== undefined;
      const isCommand = (span: ReadableSpan) => span.attributes["ci.command.text"] !== undefined;
      if (kept.some(isCommand)) {
        assert.ok(
          ended.every((span) => isCommand(span) || kept.includes(span)),
          "a command outlived something",
        );
      }
      if (kept.some((span) => span.name === "section")) {
        assert.ok(
          ended.filter(isStage).every((span) => kept.includes(span)),
          "a section outlived a stage",
        );
      }
    }),
    { numRuns: 300 },
  );
});

/** As the queue of an endpoint does: the newest of the lowest priority. */
function giveOneUp(kept: ReadableSpan[]): void {
  const lowest = Math.min(...kept.map(spanPriority));
  kept.splice(
    kept.findLastIndex((span) => spanPriority(span) === lowest),
    1,
  );
}
