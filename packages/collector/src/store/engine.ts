import type { ClickHouseClient, ClickHouseSettings } from "@clickhouse/client";

/** Limits of every read, enforced by the engine. */
export interface ReadLimits {
  readonly timeoutMs: number;
  readonly maxResultBytes: number;
}

/**
 * ClickHouse, in this process or on a server: what differs between the two, and nothing else.
 *
 * Everything but {@link Engine.judge} goes through `@clickhouse/client`. Disposing waits for what runs.
 */
export interface Engine extends AsyncDisposable {
  readonly kind: "embedded" | "server";
  /** May do anything: schema, inserts. */
  readonly writer: ClickHouseClient;
  /** Reads only: the engine itself refuses whatever would write, and stops what takes too long or answers too much. */
  readonly reader: ClickHouseClient;
  /** Settings that each statement on `reader` must carry. */
  readonly readSettings: ClickHouseSettings;
  /**
   * Judges a query by ClickHouse's own parser, without running it: it is one statement that leaves no trace, or it is
   * something else. A server takes one statement at a time and knows its users' grants, so there everything `reads`.
   */
  judge(query: string): Promise<"reads" | "does-more" | "unparsable">;
}

/**
 * The settings that make a connection read only and bounded. `readonly` comes last: once it is set, no setting can be
 * changed any more, by a query's own `SETTINGS` neither.
 */
export function readOnlySettings(limits: ReadLimits): Record<string, number | string> {
  return {
    max_execution_time: Math.max(1, Math.ceil(limits.timeoutMs / 1000)),
    timeout_overflow_mode: "throw",
    max_result_bytes: limits.maxResultBytes,
    result_overflow_mode: "throw",
    max_memory_usage: 2 * 1024 ** 3,
    readonly: 1,
  };
}
