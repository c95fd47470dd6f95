import { type Attributes, type HrTime, SpanStatusCode } from "@opentelemetry/api";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import type { ViewSpan } from "./view-span.ts";

/** What a view shows of a span that may still be open. */
export function viewOfLiveSpan(span: ReadableSpan): ViewSpan {
  const { traceId, spanId } = span.spanContext();
  return {
    traceId,
    spanId,
    parentSpanId: span.parentSpanContext?.spanId,
    name: span.name,
    startUnixNano: unixNano(span.startTime),
    endUnixNano: span.ended ? unixNano(span.endTime) : undefined,
    status: statusWord(span.status.code),
    statusMessage: span.status.message ?? "",
    attributes: asText(span.attributes),
  };
}

function unixNano([seconds, nanos]: HrTime): bigint {
  return BigInt(seconds) * 1_000_000_000n + BigInt(nanos);
}

function statusWord(code: SpanStatusCode): ViewSpan["status"] {
  switch (code) {
    case SpanStatusCode.OK:
      return "ok";
    case SpanStatusCode.ERROR:
      return "error";
    case SpanStatusCode.UNSET:
      return "unset";
  }
}

function asText(attributes: Attributes): Record<string, string> {
  const entries = Object.entries(attributes).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, Array.isArray(value) ? JSON.stringify(value) : String(value)]),
  );
}
