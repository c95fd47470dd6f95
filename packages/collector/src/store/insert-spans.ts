import { Readable } from "node:stream";
import type { ClickHouseClient } from "@clickhouse/client";
import { type SpanBlock, spanColumnNames } from "./span-block.ts";
import { storeErrorOf } from "./store-error-of.ts";

const insert = `INSERT INTO otel_traces (${spanColumnNames.map((name) => `\`${name}\``).join(", ")}) FORMAT Native`;

/** Merges make the skip indexes: a part that is not merged yet is small, and quick to search without them. */
const settings = { materialize_skip_indexes_on_insert: 0 } as const;

/**
 * Stores blocks of spans, all in one insert; the materialised views fill the other tables within the same statement.
 *
 * When it returns, the rows are readable and survive the death of this process.
 *
 * @throws {StoreError} when not all are stored; some may be, as ClickHouse commits partition by partition.
 */
export async function insertSpans(writer: ClickHouseClient, blocks: readonly SpanBlock[]): Promise<void> {
  const values = Readable.from(
    blocks.map(({ bytes }) => bytes),
    { objectMode: false },
  );
  try {
    const { stream } = await writer.exec({ query: insert, values, clickhouse_settings: settings });
    for await (const _ of stream);
  } catch (error) {
    throw storeErrorOf(error, "insert spans");
  }
}
