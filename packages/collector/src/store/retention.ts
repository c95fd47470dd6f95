import type { ClickHouseClient } from "@clickhouse/client";

/** The tables that forget, and the column that says how old a row is. */
const timeColumnByTable: Readonly<Record<string, string>> = {
  otel_traces: "Timestamp",
  otel_traces_trace_id_ts: "Start",
  ci_job_telemetry_traces: "Timestamp",
  ci_job_telemetry_hourly: "Hour",
};

/** The hourly roll-up is small and is what trends are drawn from, so it is kept longer than the spans. */
const rollUpFactor = 12;

/**
 * Makes the tables forget rows after `days`, or keep them for ever with 0 (telemetry.md §7).
 *
 * Tables whose TTL already says so are left alone: changing it rewrites metadata, and on a server takes a lock.
 */
export async function applyRetention(writer: ClickHouseClient, days: number): Promise<void> {
  const definitions = await tableDefinitions(writer);
  for (const [table, column] of Object.entries(timeColumnByTable)) {
    const kept = table === "ci_job_telemetry_hourly" ? days * rollUpFactor : days;
    const current = /\bTTL\b.*?\+ toIntervalDay\((?<days>\d+)\)/s.exec(definitions.get(table) ?? "")?.groups?.["days"];
    if (Number(current ?? 0) === kept) continue;
    const change = kept === 0 ? "REMOVE TTL" : `MODIFY TTL toDateTime(${column}) + toIntervalDay(${kept})`;
    await writer.command({ query: `ALTER TABLE ${table} ${change} SETTINGS materialize_ttl_after_modify = 0` });
  }
}

async function tableDefinitions(writer: ClickHouseClient): Promise<ReadonlyMap<string, string>> {
  const answer = await writer.query({
    query: "SELECT name, create_table_query FROM system.tables WHERE database = currentDatabase()",
    format: "JSONEachRow",
  });
  const rows = await answer.json<{ name: string; create_table_query: string }>();
  return new Map(rows.map((row) => [row.name, row.create_table_query]));
}
