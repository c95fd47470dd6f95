import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { aSpan, someSpans } from "../../test/support/spans.ts";
import { createFileSpanSink } from "./file-span-sink.ts";

describe("spans in a file", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "labkit-sink-"));
  });
  after(() => rm(folder, { recursive: true }));

  test("are OTLP JSON: ids in hex, times as strings, the resource once", async () => {
    const path = join(folder, "trace.json");
    const sink = createFileSpanSink({ path });
    sink.onEnd(aSpan(1, { name: "get_sources", attributes: { "ci.job.id": 7 } }));
    sink.onEnd(aSpan(2));
    await sink.shutdown();
    const { resourceSpans } = JSON.parse(await readFile(path, "utf8"));
    assert.equal(resourceSpans.length, 1);
    const [first] = resourceSpans[0].scopeSpans[0].spans;
    assert.partialDeepStrictEqual(first, {
      traceId: "0af7651916cd43dd8448eb211c80319c",
      spanId: "0000000000000002",
      name: "get_sources",
      startTimeUnixNano: "1780000000000000001",
      attributes: [{ key: "ci.job.id", value: { intValue: 7 } }],
    });
  });

  test("are bounded, and what was left out is counted", async () => {
    const path = join(folder, "bounded.json");
    const sink = createFileSpanSink({ path, maxSpans: 3 });
    for (const span of someSpans(5)) sink.onEnd(span);
    await sink.shutdown();
    assert.equal(sink.droppedSpans, 2);
    assert.equal(JSON.parse(await readFile(path, "utf8")).resourceSpans[0].scopeSpans[0].spans.length, 3);
  });

  test("a file that cannot be written is an error, and leaves nothing half-written", async () => {
    const sink = createFileSpanSink({ path: join(folder, "missing", "trace.json") });
    sink.onEnd(aSpan(1));
    await assert.rejects(sink.shutdown(), { code: "ENOENT" });
    assert.ok(!(await readdir(folder)).some((name) => name.endsWith(".partial")));
  });
});
