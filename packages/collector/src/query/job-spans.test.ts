import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { StoredSpan } from "../stored-trace.ts";
import { spansOfJob } from "./job-spans.ts";

const span = (spanId: string, parentSpanId: string | undefined, jobId?: string, on: "span" | "resource" = "span") =>
  ({
    spanId,
    parentSpanId,
    attributes: jobId !== undefined && on === "span" ? { "ci.job.id": jobId } : {},
    resourceAttributes: jobId !== undefined && on === "resource" ? { "ci.job.id": jobId } : {},
  }) as unknown as StoredSpan;

const trace = [
  span("pipeline", undefined),
  span("job-1", "pipeline", "1"),
  span("script-1", "job-1", "1", "resource"),
  span("pytest", "script-1"),
  span("test", "pytest"),
  span("job-2", "pipeline", "2"),
  span("script-2", "job-2", "2"),
  span("child-pipeline-job", "job-1", "3"),
];

describe("the spans of a job", () => {
  test("are those with its id and what its tools sent below them, in the trace's order", () => {
    assert.deepEqual(
      spansOfJob(trace, "1").map(({ spanId }) => spanId),
      ["job-1", "script-1", "pytest", "test"],
    );
  });

  test("do not include another job's, not even below it", () => {
    assert.deepEqual(
      spansOfJob(trace, "2").map(({ spanId }) => spanId),
      ["job-2", "script-2"],
    );
  });

  test("are found though parents form a ring", () => {
    assert.equal(spansOfJob([span("a", "b", "1"), span("b", "a")], "1").length, 2);
  });
});
