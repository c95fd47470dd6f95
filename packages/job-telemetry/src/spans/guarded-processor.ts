import type { SpanProcessor } from "@opentelemetry/sdk-trace";
import type { FaultGuard } from "./fault-guard.ts";

/** A span processor whose faults reach neither the job nor the processors beside it. */
export function guardProcessor(processor: SpanProcessor, guard: FaultGuard): SpanProcessor {
  return {
    onStart: (span, context) =>
      guard.run("a span processor's onStart", () => processor.onStart(span, context), undefined),
    onEnd: (span) => guard.run("a span processor's onEnd", () => processor.onEnd(span), undefined),
    onEnding: (span) => guard.run("a span processor's onEnding", () => processor.onEnding?.(span), undefined),
    // A processor is shared by many jobs, so flushing and ending it is its owner's business, never a job's.
    forceFlush: async () => {},
    shutdown: async () => {},
  };
}
