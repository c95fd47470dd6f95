import type { Engine } from "../store/engine.ts";
import { StoreError } from "../store/store-error.ts";
import { storeErrorOf } from "../store/store-error-of.ts";

/** Table functions that stay inside the engine; all others read files, the network, or run what they are given. */
const innerTableFunctions: ReadonlySet<string> = new Set([
  "format",
  "generate_series",
  "generaterandom",
  "generateseries",
  "null",
  "numbers",
  "numbers_mt",
  "primes",
  "values",
  "view",
  "viewexplain",
  "zeros",
  "zeros_mt",
]);

/** Functions of values that reach outside, beside those that share a table function's name (`file`, `url`, …). */
const outwardFunctions = /^(ai[A-Z]\w*|catboostEvaluate|dictGet\w*|dictHas|dictIsIn|getClientHTTPHeader)$/i;

/** Tables of `system` that tell what is stored and what the engine knows; others tell about the machine or its users. */
const openSystemTables: ReadonlySet<string> = new Set([
  "columns",
  "databases",
  "data_skipping_indices",
  "formats",
  "functions",
  "numbers",
  "one",
  "parts",
  "parts_columns",
  "table_functions",
  "tables",
]);

/**
 * Refuses a query that would do more than read what is stored.
 *
 * Three layers, each the engine's own: the connection is read-only; the statement must be a single one that ClickHouse's
 * parser calls reading (`readonly = 1` alone lets `INTO OUTFILE`, `SYSTEM` and `KILL` pass in an embedded engine); and
 * no name in its syntax tree (`EXPLAIN AST`) may be of a function or system table that reaches outside (`file()` as a
 * function of values and `DESCRIBE url(…)` pass the first two).
 *
 * @throws {StoreError} `read-only` naming what is refused; `rejected` with ClickHouse's words when it does not parse.
 */
export async function assertOnlyReads(engine: Engine, query: string): Promise<void> {
  const judged = await engine.judge(query);
  if (judged === "unparsable") await explainSyntaxError(engine, query);
  if (judged !== "reads") {
    throw refusal("only a single statement that reads (SELECT, SHOW, DESCRIBE, EXPLAIN) may be run");
  }
  const names = await namesIn(engine, query);
  const tableFunctions = await tableFunctionNames(engine);
  for (const name of names.functions) {
    const isOuter = tableFunctions.has(name.toLowerCase()) && !innerTableFunctions.has(name.toLowerCase());
    if (isOuter || outwardFunctions.test(name)) throw refusal(`the function ${name}() reaches outside the store`);
  }
  for (const identifier of names.identifiers) {
    const table = /^(?:system|information_schema)\.(?<table>\w+)/i.exec(identifier);
    if (table !== null && /^system/i.test(identifier) && !openSystemTables.has(table.groups?.["table"] ?? "")) {
      throw refusal(`the table ${identifier} tells about more than what is stored`);
    }
  }
}

function refusal(detail: string): StoreError {
  return new StoreError({ code: "read-only", operation: "sql", retryable: false, detail });
}

/** Lets the engine say what is wrong; the query reaches it as a value, so nothing of it is run. */
async function explainSyntaxError(engine: Engine, query: string): Promise<void> {
  await textOf(engine, "SELECT formatQuery({query:String})", { query });
}

/**
 * The functions and tables that a statement names, from `EXPLAIN AST`: lines such as `Function file (children 1)`,
 * `TableIdentifier system.tables (alias t)`, `Identifier default.t`. A FORMAT of the query's own belongs to what is
 * explained, so the tree itself comes in the default format.
 */
async function namesIn(engine: Engine, query: string): Promise<{ functions: string[]; identifiers: string[] }> {
  const tree = await textOf(engine, `EXPLAIN AST ${query}`);
  if (!/^[A-Z]\w+/.test(tree)) throw refusal("its syntax tree cannot be read");
  const named = (kind: string) =>
    [...tree.matchAll(new RegExp(`^ *(?:${kind}) (?<name>[^\\s(]+)`, "gm"))].map(
      (match) => match.groups?.["name"] ?? "",
    );
  return { functions: named("Function"), identifiers: named("TableIdentifier|Identifier") };
}

async function tableFunctionNames(engine: Engine): Promise<ReadonlySet<string>> {
  return new Set((await textOf(engine, "SELECT lower(name) FROM system.table_functions")).split("\n"));
}

async function textOf(engine: Engine, query: string, params: Record<string, unknown> = {}): Promise<string> {
  try {
    const { stream } = await engine.reader.exec({
      query,
      query_params: params,
      clickhouse_settings: { ...engine.readSettings, default_format: "TabSeparatedRaw" },
    });
    let text = "";
    for await (const chunk of stream) text += String(chunk);
    return text;
  } catch (error) {
    throw storeErrorOf(error, "sql", { showEngineMessage: true });
  }
}
