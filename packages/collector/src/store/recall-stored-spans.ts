import { z } from "zod";
import type { Engine } from "./engine.ts";
import { printsOf, RecentSpans } from "./recent-spans.ts";
import { storeErrorOf } from "./store-error-of.ts";

const schema = z.object({ traceId: z.string(), spanId: z.string(), timestamp: z.string().transform(BigInt) });

/** Longest that an exporter repeats a request (OTLP's own retry gives up after some minutes). */
const window = "INTERVAL 10 MINUTE";
const maxRecalled = 50_000;

/**
 * The spans that were stored last before this start: an exporter whose collector died before it answered repeats its
 * request to the next one.
 *
 * @throws {StoreError}
 */
export async function recallStoredSpans({ reader, readSettings }: Engine): Promise<RecentSpans> {
  const recent = new RecentSpans();
  try {
    const answer = await reader.query({
      query: `SELECT TraceId AS traceId, SpanId AS spanId, toString(toUnixTimestamp64Nano(Timestamp)) AS timestamp
              FROM otel_traces
              WHERE Timestamp + toIntervalNanosecond(Duration) > now() - ${window} AND Timestamp > now() - INTERVAL 1 DAY
              LIMIT ${maxRecalled}`,
      format: "JSONEachRow",
      clickhouse_settings: readSettings,
    });
    recent.add(printsOf(schema.array().parse(await answer.json())));
    return recent;
  } catch (error) {
    throw storeErrorOf(error, "recall spans");
  }
}
