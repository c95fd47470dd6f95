import type { StoredSpan } from "@jobscope/collector/client";
import type { ViewSpan } from "./view-span.ts";

/** What a view shows of a span that was read back from the store. */
export function viewOfStoredSpan(span: StoredSpan): ViewSpan {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId,
    name: span.name,
    startUnixNano: span.startUnixNano,
    endUnixNano: span.startUnixNano + span.durationNano,
    status: span.status === "Ok" ? "ok" : span.status === "Error" ? "error" : "unset",
    statusMessage: span.statusMessage,
    // Older runners say the job's ids in the resource only (telemetry.md §2).
    attributes: { ...span.resourceAttributes, ...span.attributes },
  };
}
