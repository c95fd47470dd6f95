import type { StoredSpan } from "../stored-trace.ts";

/**
 * The spans of one job out of a trace: those that carry its id on themselves or on their resource, and all below them
 * (what a tool in the job's script sent knows no job id). Keeps their order.
 */
export function spansOfJob(spans: readonly StoredSpan[], jobId: string): StoredSpan[] {
  const childrenBySpanId = Map.groupBy(spans, ({ parentSpanId }) => parentSpanId);
  const belongs = new Set<StoredSpan>();
  const pending = spans.filter((span) => jobIdOf(span) === jobId);
  for (let span = pending.pop(); span !== undefined; span = pending.pop()) {
    if (belongs.has(span)) continue;
    belongs.add(span);
    for (const child of childrenBySpanId.get(span.spanId) ?? []) {
      const other = jobIdOf(child);
      if (other === undefined || other === jobId) pending.push(child);
    }
  }
  return spans.filter((span) => belongs.has(span));
}

function jobIdOf({ attributes, resourceAttributes }: StoredSpan): string | undefined {
  return attributes["ci.job.id"] ?? resourceAttributes["ci.job.id"];
}
