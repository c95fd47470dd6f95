import { readdir, readFile } from "node:fs/promises";
import type { ClickHouseClient } from "@clickhouse/client";

const schemaDir = new URL("./schema/", import.meta.url);

/**
 * Brings the schema up to date: runs each file of `schema/` once, in the order of names, and notes it in
 * `jobscope_migrations`.
 *
 * A file is never changed once it was released; what changes the schema is a further file. Statements are written so that
 * running one again does no harm (`IF NOT EXISTS`), because nothing makes several of them and the note one transaction.
 *
 * @returns the names of the files that were run.
 */
export async function migrate(writer: ClickHouseClient): Promise<readonly string[]> {
  await writer.command({
    query: `CREATE TABLE IF NOT EXISTS jobscope_migrations (Name String, AppliedAt DateTime DEFAULT now())
            ENGINE = MergeTree ORDER BY Name`,
  });
  const applied = await appliedMigrations(writer);
  const pending = (await readdir(schemaDir)).filter((name) => name.endsWith(".sql") && !applied.has(name)).sort();
  for (const name of pending) {
    const text = await readFile(new URL(name, schemaDir), "utf8");
    for (const query of statementsOf(text)) await writer.command({ query });
    await writer.command({ query: `INSERT INTO jobscope_migrations (Name) VALUES ('${name}')` });
  }
  return pending;
}

async function appliedMigrations(writer: ClickHouseClient): Promise<ReadonlySet<string>> {
  const answer = await writer.query({ query: "SELECT Name FROM jobscope_migrations", format: "JSONEachRow" });
  return new Set((await answer.json<{ Name: string }>()).map(({ Name }) => Name));
}

/** Statements of a file of ours: each ends in a semicolon at the end of a line, and comments have a line of their own. */
function statementsOf(text: string): string[] {
  const bare = text.replace(/^--.*$/gm, "");
  return bare
    .split(/;\s*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== "");
}
