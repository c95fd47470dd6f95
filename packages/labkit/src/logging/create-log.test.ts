import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createMasker } from "../masking/masker.ts";
import { createLog, type LogOptions } from "./create-log.ts";
import type { LogLevel } from "./log.ts";
import { createMaskedLog } from "./masked-log.ts";

describe("the runner log", () => {
  test("a text line has time, level, message and fields", () => {
    const { log, lines } = record();
    log.warn("job log patch refused", {
      "ci.job.id": 7,
      status: "wrong offset",
      ok: false,
      url: new URL("http://h/x"),
    });
    assert.match(
      lines[0] ?? "",
      /^\d\d:\d\d:\d\d\.\d{3} WARN {2}job log patch refused {2}ci.job.id=7 status="wrong offset" ok=false url=http:\/\/h\/x\n$/,
    );
  });

  test("an error is shown with its causes", () => {
    const { log, lines } = record();
    log.error("cannot start", { err: new Error("no database", { cause: new Error("disk full") }) });
    assert.match(lines[0] ?? "", /err="no database: disk full"\n$/);
  });

  test("a field cannot forge a line", () => {
    const { log, lines } = record();
    log.info("a\nb", { field: "x\n12:00:00.000 ERROR forged\u001b[2J" });
    assert.equal(lines.join("").split("\n").length, 2);
    assert.ok(!lines.join("").includes("\u001b"));
  });

  test("a JSON line is an object with the same facts", () => {
    const { log, lines } = record({ format: "json" });
    log
      .child({ "ci.job.id": 7 })
      .info("job ended", { big: 5n, bytes: new Uint8Array(3), nothing: undefined, list: [new Map([["a", 1]])] });
    const line = JSON.parse(lines[0] ?? "") as Record<string, unknown>;
    assert.match(String(line["time"]), /^\d{4}-\d\d-\d\dT/);
    assert.deepEqual(
      { ...line, time: "" },
      { level: "info", time: "", "ci.job.id": 7, msg: "job ended", big: "5", bytes: "3 bytes", list: [{ a: 1 }] },
    );
  });

  test("secrets are masked in messages, fields, errors and child fields", () => {
    for (const format of ["json", "text"] as const) {
      const { log, lines } = record({ format, masker: createMasker({ phrases: ['s3"cret'] }) });
      log
        .child({ a: 's3"cret' })
        .error('got s3"cret', { b: { c: ['s3"cret'] }, err: new Error('x s3"cret', { cause: 's3"cret' }) });
      assert.doesNotMatch(lines.join(""), /s3/);
      assert.match(lines.join(""), /MASKED/);
    }
  });

  test("a job's own log masks the job's secrets too, those that it learns later included", () => {
    for (const format of ["json", "text"] as const) {
      const { log, lines } = record({ format });
      const masker = createMasker({ phrases: ["s3cret"] });
      const own = createMaskedLog(log, masker).child({ "ci.job.name": "deploy s3cret" });
      masker.add(["l4ter"]);
      own.warn("got s3cret and l4ter", { list: ["l4ter"], err: new Error("no s3cret", { cause: new Error("l4ter") }) });
      log.info("s3cret of somebody else");
      assert.doesNotMatch(lines[0] ?? "", /s3cret|l4ter/);
      assert.match(lines[0] ?? "", /"no \[MASKED\]: \[MASKED\]"/);
      assert.match(lines[1] ?? "", /s3cret/);
    }
  });

  test("lines below the level are not written", () => {
    const { log, lines } = record({ level: "warn" });
    log.info("quiet");
    log.debug("quiet");
    assert.deepEqual(lines, []);
  });

  test("its level may change while it is written to, children's too", () => {
    let level: LogLevel = "warn";
    const { log, lines } = record({ level: () => level });
    const child = log.child({});
    child.info("quiet");
    level = "debug";
    child.debug("heard");
    log.info("heard");
    assert.equal(lines.length, 2);
  });

  test("a field that contains itself is cut off", () => {
    const { log, lines } = record();
    const self: { self?: unknown } = {};
    self.self = self;
    log.info("loop", { self });
    assert.equal(lines.length, 1);
  });
});

function record(options: LogOptions = {}) {
  const lines: string[] = [];
  return { log: createLog({ ...options, write: (line) => lines.push(line) }), lines };
}
