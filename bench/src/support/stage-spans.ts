import { randomBytes } from "node:crypto";
import { SpanKind, SpanStatusCode, TraceFlags } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";

const resource = resourceFromAttributes({
  "service.name": "gitlab-ci-runner",
  "service.version": "0.1.0",
  "ci.job.id": 4711,
  "ci.pipeline.id": "815",
  "ci.project.id": 42,
  "ci.runner.id": 7,
  "service.instance.id": "s_0123456789ab",
  "host.name": "bench",
});

const attributes = {
  "ci.job.id": 4711,
  "ci.project.id": 42,
  "ci.pipeline.id": "815",
  "ci.pipeline.source": "push",
  "ci.runner.id": 7,
  "ci.runner.executor": "shell",
  "ci.stage.name": "restore_cache",
  "ci.stage.status": "success",
  "ci.stage.attempt": 1,
  "ci.cache.key": "npm-main-0-protected",
  "ci.cache.hit": true,
  "ci.cache.size_bytes": 8_388_608,
  "ci.cache.files": 1_024,
  "ci.stage.cpu_time_s": 0.25,
};

/** Finished spans as a build stage emits them: 14 attributes, a status, a parent, ids of their own; ended now. */
export function stageSpans(count: number, name = "restore_cache"): ReadableSpan[] {
  const traceId = randomBytes(16).toString("hex");
  const parentSpanContext = { traceId, spanId: randomBytes(8).toString("hex"), traceFlags: TraceFlags.SAMPLED };
  const endMs = Date.now();
  return Array.from({ length: count }, (_, number) => {
    const spanContext = {
      traceId,
      spanId: (number + 1).toString(16).padStart(16, "0"),
      traceFlags: TraceFlags.SAMPLED,
    };
    return {
      name,
      kind: SpanKind.INTERNAL,
      spanContext: () => spanContext,
      parentSpanContext,
      startTime: [Math.floor(endMs / 1_000) - 1, number % 1_000_000_000],
      endTime: [Math.floor(endMs / 1_000), (endMs % 1_000) * 1_000_000],
      duration: [1, 0],
      status: { code: SpanStatusCode.OK },
      attributes,
      links: [],
      events: [],
      ended: true,
      resource,
      instrumentationScope: { name: "gitlab-ci-runner", version: "0.1.0" },
      droppedAttributesCount: 0,
      droppedEventsCount: 0,
      droppedLinksCount: 0,
    };
  });
}
