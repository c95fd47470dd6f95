import type { ReaderFlags } from "../actions/open-trace-reader.ts";
import { type AddCommand, examples } from "./add-command.ts";

export function addSqlCommand({ program, context }: AddCommand): void {
  program
    .command("sql")
    .summary("answer a query from the stored spans")
    .description("Answer a query from the stored spans. It can only read.")
    .argument("<query>", "ClickHouse SQL; without FORMAT the answer is a table")
    .option("--api <url>", "ask this collector's query API")
    .option("--api-token-file <file>", "a token for it, if it asks for one; without: JOBSCOPE_API_TOKEN")
    .option("--data <dir>", "where the spans are, and where a running collector is looked for", context.defaultDataDir)
    .addHelpText(
      "after",
      examples(
        ['jobscope sql "SELECT SpanName, count() FROM otel_traces GROUP BY 1"', "as a table"],
        ['jobscope sql "SELECT * FROM otel_traces LIMIT 1 FORMAT Vertical"', "in a format of its own"],
        ['jobscope sql --api http://127.0.0.1:4320 "SHOW TABLES"', "from that collector"],
      ),
    )
    .action(async (query: string, flags: ReaderFlags) => {
      const { answerQuery } = await import("../actions/answer-query.ts");
      await answerQuery(query, flags, context);
    });
}
