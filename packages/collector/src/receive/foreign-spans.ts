import type { SendingJob } from "../auth/verdict.ts";
import type { OtlpAttribute, OtlpResourceSpans } from "./otlp-model.ts";

const validTraceId = /^(?!0{32})[0-9a-f]{32}$/;

/** A job sent spans that are not its own; nothing of the request is stored (403, PERMISSION_DENIED). */
export class ForeignSpans extends Error {
  override readonly name = "ForeignSpans";
}

/**
 * Sees to it that a job sends spans of its own trace alone, and none that claim to be another job's. Spans without
 * `ci.job.id` are its tools'.
 *
 * @throws {ForeignSpans}
 */
export function assertOwnSpans(request: readonly OtlpResourceSpans[], job: SendingJob): void {
  for (const { attributes, scopeSpans } of request) {
    assertOwnJob(attributes, job);
    for (const span of scopeSpans.flatMap(({ spans }) => spans)) {
      if (job.traceId === undefined && validTraceId.test(span.traceId)) job.traceId = span.traceId;
      if (span.traceId !== job.traceId) throw new ForeignSpans("a job token may only send spans of its own trace");
      assertOwnJob(span.attributes, job);
    }
  }
}

function assertOwnJob(attributes: readonly OtlpAttribute[], { jobId }: SendingJob): void {
  const named = attributes.find(({ key }) => key === "ci.job.id")?.value;
  if (named !== undefined && String(named) !== jobId) {
    throw new ForeignSpans("a job token may not send spans of another job");
  }
}
