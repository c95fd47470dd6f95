import type { ReadableSpan, Span, SpanProcessor } from "@opentelemetry/sdk-trace";
import type { TelemetryEndpoint } from "./endpoint.ts";

/**
 * Hands finished spans to endpoints, for an OpenTelemetry `TracerProvider`.
 *
 * The endpoints are their pool's: shutting the provider of one job down neither waits for them nor closes them.
 * `forceFlush` waits up to 5 s, the SDK's interface having no signal.
 */
export function createSpanProcessor(endpoints: readonly TelemetryEndpoint[]): SpanProcessor {
  return {
    onStart(span) {
      // The SDK's spans are readable; its interface for starting ones just does not say so.
      if (isReadable(span)) for (const endpoint of endpoints) endpoint.spanStarted(span);
    },
    onEnd(span) {
      for (const endpoint of endpoints) endpoint.enqueue(span);
    },
    async forceFlush() {
      const signal = AbortSignal.timeout(5_000);
      await Promise.all(endpoints.map((endpoint) => endpoint.flush({ signal })));
    },
    async shutdown() {},
  };
}

function isReadable(span: Span): span is Span & ReadableSpan {
  return "resource" in span && "instrumentationScope" in span && "startTime" in span;
}
