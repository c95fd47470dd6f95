import type { AddCommand } from "./add-command.ts";
import { examples } from "./add-command.ts";
import { openTraceReader } from "./open-trace-reader.ts";

export function addSqlCommand({ program, context }: AddCommand): void {
  program
    .command("sql")
    .description("Answer a query from the stored spans. It can only read.")
    .argument("<query>", "ClickHouse SQL; without FORMAT the answer is a table")
    .option("--api <url>", "ask this collector's query API")
    .option("--data <dir>", "where the spans are, and where a running collector is looked for", context.defaultDataDir)
    .addHelpText(
      "after",
      examples(
        ['jobscope sql "SELECT SpanName, count(), avg(Duration)/1e9 FROM otel_traces GROUP BY SpanName"', "as a table"],
        ['jobscope sql "SELECT * FROM otel_traces LIMIT 1 FORMAT Vertical"', "in a format of its own"],
        ['jobscope sql --api http://127.0.0.1:4320 "SHOW TABLES"', "from that collector"],
      ),
    )
    .action(async (query: string, flags: { api?: string; data: string }) => {
      await using reader = await openTraceReader(flags);
      const { body } = await reader.sql(query);
      context.stdout.write(body);
      if (body.length > 0 && body.at(-1) !== 0x0a) context.stdout.write("\n");
    });
}
