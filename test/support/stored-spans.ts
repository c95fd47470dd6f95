import { createCollectorClient } from "@jobscope/collector/client";

/** A span as it lies in ClickHouse. Times are nanoseconds since 1970 in decimal. */
export interface StoredSpan {
  readonly SpanId: string;
  /** Empty for a root. */
  readonly ParentSpanId: string;
  readonly SpanName: string;
  readonly SpanKind: string;
  readonly ServiceName: string;
  readonly StartNs: string;
  readonly EndNs: string;
  readonly StatusCode: string;
  readonly StatusMessage: string;
  readonly Attributes: Readonly<Record<string, string>>;
  readonly Resource: Readonly<Record<string, string>>;
}

/** Reads all spans of a trace back from the store, through the query API. */
export async function readStoredSpans(apiUrl: string, traceId: string): Promise<StoredSpan[]> {
  await using reader = createCollectorClient({ apiUrl });
  const { body } = await reader.sql(`
    SELECT SpanId, ParentSpanId, SpanName, SpanKind, ServiceName, StatusCode, StatusMessage,
      toString(toUnixTimestamp64Nano(Timestamp)) AS StartNs,
      toString(toUnixTimestamp64Nano(Timestamp) + toInt64(Duration)) AS EndNs,
      SpanAttributes AS Attributes, ResourceAttributes AS Resource
    FROM otel_traces WHERE TraceId = '${traceId}' FORMAT JSONEachRow`);
  return Buffer.from(body)
    .toString()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as StoredSpan);
}
