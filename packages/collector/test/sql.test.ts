import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { CollectorApiError, createCollectorClient, type TraceReader } from "../src/client.ts";
import { openStoreReadOnly } from "../src/index.ts";
import { aCollector, postTraces, temporaryDirectory } from "./support/collectors.ts";
import { protobufOf, someSpans } from "./support/spans.ts";

const refused = [
  "DROP TABLE otel_traces",
  "INSERT INTO otel_traces (TraceId) VALUES ('x')",
  "CREATE TABLE t (a Int8) ENGINE = Memory",
  "CREATE TEMPORARY TABLE t (a Int8)",
  "ALTER TABLE otel_traces DELETE WHERE 1",
  "TRUNCATE TABLE otel_traces",
  "OPTIMIZE TABLE otel_traces",
  "SET readonly = 0",
  "SELECT 1 SETTINGS readonly = 0",
  "SELECT 1 SETTINGS max_execution_time = 0",
  "SELECT 1; DROP TABLE otel_traces",
  "SELECT 1; SELECT 2",
  "SYSTEM STOP MERGES",
  "KILL QUERY WHERE 1",
  "USE system",
  "BACKUP TABLE otel_traces TO File('x')",
  "SELECT 1 INTO OUTFILE '/tmp/jobscope-must-not-exist'",
  "INSERT INTO FUNCTION file('/tmp/jobscope-must-not-exist', 'CSV') SELECT 1",
  "SELECT * FROM file('/etc/passwd', 'LineAsString')",
  "SELECT * FROM '/etc/passwd'",
  "SELECT file('/etc/passwd')",
  "SELECT FILE('/etc/passwd')",
  "SELECT `file`('/etc/passwd')",
  "SELECT file('/etc/passwd') FORMAT Parquet",
  "WITH x AS (SELECT file('/etc/passwd')) SELECT * FROM x",
  "SELECT 1 WHERE 'a' IN (SELECT file('/etc/passwd'))",
  "EXPLAIN SELECT file('/etc/passwd')",
  "DESCRIBE file('/etc/passwd', 'CSV')",
  "DESCRIBE url('http://127.0.0.1:1/x')",
  "SELECT * FROM url('http://127.0.0.1:1/x', 'CSV', 'a String')",
  "SELECT * FROM s3('http://127.0.0.1:1/b/x.csv')",
  "SELECT * FROM remote('127.0.0.1:1', 'system', 'one')",
  "SELECT * FROM executable('cat', 'CSV', 'a String')",
  "SELECT * FROM mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')",
  "SELECT * FROM sqlite('/tmp/x.db', 't')",
  "SELECT * FROM merge('system', '.*')",
  "SELECT * FROM eval('SELECT 1')",
  "SELECT * FROM system.stack_trace",
  "SELECT * FROM system.processes",
  "SELECT 1 WHERE 'x' IN system.users",
  "SELECT * FROM `system`.`named_collections`",
  "SELECT catboostEvaluate('/etc/passwd', 1)",
  "SELECT aiGenerate('x')",
];

const answered: { query: string; format?: string; says: RegExp }[] = [
  { query: "SELECT count() FROM otel_traces", says: /count\(\).*3/s },
  { query: "SELECT count() FROM otel_traces", format: "TabSeparated", says: /^3\n$/ },
  { query: "SELECT 1 AS one FORMAT JSONEachRow", says: /^\{"one":1\}\n$/ },
  { query: "select 1 as one format CSVWithNames;", says: /^"one"\n1\n$/ },
  {
    query: "SELECT 'a FORMAT CSV; -- no comment' AS text -- a comment\nFORMAT TabSeparated",
    says: /^a FORMAT CSV; -- no comment\n$/,
  },
  { query: "SELECT format('{}-{}', 'a', 'b'), number FROM numbers(1) FORMAT CSV", says: /^"a-b",0\n$/ },
  { query: "SHOW TABLES LIKE 'otel_traces' FORMAT TabSeparated", says: /^otel_traces\n$/ },
  { query: "DESCRIBE TABLE otel_traces FORMAT TabSeparated", says: /^Timestamp\tDateTime64\(9\)/ },
  { query: "EXPLAIN SELECT count() FROM otel_traces FORMAT TabSeparated", says: /otel_traces|Aggregat|ReadFrom/ },
  { query: "SELECT name FROM system.tables WHERE name = 'otel_traces' FORMAT TabSeparated", says: /^otel_traces\n$/ },
];

describe("a query", () => {
  const scope = new AsyncDisposableStack();
  let reader: TraceReader;
  let dataDir: string;
  before(async () => {
    dataDir = scope.use(await temporaryDirectory()).path;
    const collector = scope.use(await aCollector(dataDir, { sql: { timeoutMs: 1000, maxResultBytes: 1_000_000 } }));
    reader = createCollectorClient({ apiUrl: collector.apiUrl ?? "" });
    await postTraces(collector, protobufOf(someSpans(3)));
  });
  after(() => scope.disposeAsync());

  for (const query of refused) {
    test(`is refused: ${query}`, async () => {
      await assert.rejects(
        reader.sql(query),
        (error) => error instanceof CollectorApiError && error.code === "read-only",
      );
      assert.equal(existsSync("/tmp/jobscope-must-not-exist"), false);
    });
  }

  for (const { query, format, says } of answered) {
    test(`is answered: ${query}`, async () => {
      const { body } = await reader.sql(query, format === undefined ? {} : { format });
      assert.match(Buffer.from(body).toString(), says);
    });
  }

  test("that takes too long is stopped", async () => {
    await assert.rejects(reader.sql("SELECT count() FROM numbers(1000000000000)"), /TIMEOUT_EXCEEDED|Timeout exceeded/);
  });

  test("that answers too much is stopped", async () => {
    await assert.rejects(reader.sql("SELECT number FROM numbers(10000000)"), /Limit for result exceeded/);
  });

  test("that fails half way leaves nothing in the next one's answer", async () => {
    for (let round = 0; round < 5; round += 1) {
      await assert.rejects(reader.sql("SELECT throwIf(number = 200000) FROM numbers(1000000)"));
      await assert.rejects(reader.sql("SELECT number FROM numbers(10000000)"), /Limit for result exceeded/);
      const { body } = await reader.sql("SELECT 'clean'", { format: "TabSeparated" });
      assert.equal(Buffer.from(body).toString(), "clean\n");
    }
  });

  test("with a mistake is told what ClickHouse finds wrong", async () => {
    await assert.rejects(reader.sql("SELEC 1"), { code: "bad-request", message: /Syntax error/ });
    await assert.rejects(reader.sql("SELECT nothing FROM otel_traces"), { code: "bad-request", message: /nothing/ });
    await assert.rejects(reader.sql("SELECT 1", { format: "NoSuchFormat" }), {
      code: "bad-request",
      message: /NoSuchFormat/,
    });
  });

  test("reaches a data directory without a collector, reading only", async () => {
    await scope.disposeAsync();
    await using directory = await temporaryDirectory();
    await (await aCollector(directory.path))[Symbol.asyncDispose]();
    await using store = await openStoreReadOnly(directory.path);
    const { body } = await store.sql("SELECT count() FROM otel_traces", { format: "TabSeparated" });
    assert.equal(Buffer.from(body).toString(), "0\n");
    await assert.rejects(store.sql("DROP TABLE otel_traces"), { code: "read-only" });
  });
});

describe("the client", () => {
  test("says when no collector answers", async () => {
    const reader = createCollectorClient({ apiUrl: "http://127.0.0.1:1" });
    await assert.rejects(reader.listJobs(), { code: "unreachable", message: /127\.0\.0\.1:1.*no collector answers/ });
  });

  test("throws the reason of its caller's abort", async () => {
    const reader = createCollectorClient({ apiUrl: "http://127.0.0.1:1" });
    const reason = new Error("enough");
    await assert.rejects(reader.listJobs({ signal: AbortSignal.abort(reason) }), reason);
  });
});
