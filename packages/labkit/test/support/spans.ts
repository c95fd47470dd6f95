import { type Attributes, SpanKind, TraceFlags } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";

const resource = resourceFromAttributes({ "service.name": "labkit-test" });
const instrumentationScope = { name: "labkit-test", version: "1" };

/** A finished span. `number` makes its ids. */
export function aSpan(number: number, options: { name?: string; attributes?: Attributes } = {}): ReadableSpan {
  const spanContext = {
    traceId: "0af7651916cd43dd8448eb211c80319c",
    spanId: (number + 1).toString(16).padStart(16, "0"),
    traceFlags: TraceFlags.SAMPLED,
  };
  return {
    name: options.name ?? `span ${number}`,
    kind: SpanKind.INTERNAL,
    spanContext: () => spanContext,
    startTime: [1_780_000_000, number],
    endTime: [1_780_000_001, number],
    duration: [1, 0],
    status: { code: 1 },
    attributes: options.attributes ?? { "ci.job.id": number },
    links: [],
    events: [],
    ended: true,
    resource,
    instrumentationScope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

export function someSpans(count: number): ReadableSpan[] {
  return Array.from({ length: count }, (_, number) => aSpan(number));
}
