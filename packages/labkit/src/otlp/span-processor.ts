import type { SpanProcessor } from "@opentelemetry/sdk-trace";
import type { TelemetryEndpoint } from "./endpoint.ts";

/**
 * Hands finished spans to endpoints, for an OpenTelemetry `TracerProvider`.
 *
 * The endpoints are their pool's: shutting the provider of one job down neither waits for them nor closes them.
 * `forceFlush` waits up to 5 s, the SDK's interface having no signal.
 */
export function createSpanProcessor(endpoints: readonly TelemetryEndpoint[]): SpanProcessor {
  return {
    onStart() {},
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
