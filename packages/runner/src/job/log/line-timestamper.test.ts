import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { LineTimestamper, type StreamName } from "./line-timestamper.ts";

const time = Date.UTC(2026, 7, 22) * 1000 + 1;
const stamp = "2026-08-22T00:00:00.000001Z";
const stdout: StreamName = { id: 1, type: "stdout" };

function stampAll(chunks: readonly Uint8Array[], name = stdout): string {
  const timestamper = new LineTimestamper(name, () => time);
  return Buffer.concat([...chunks.map((chunk) => timestamper.write(chunk)), timestamper.end()]).toString();
}

/** Source of all: runner-protocol.md §2.4.4. */
const cases = [
  { name: "a line", writes: ["hello\n"], expected: [" hello"] },
  { name: "several lines in one write", writes: ["a\n\nb\n"], expected: [" a", " ", " b"] },
  { name: "a line in pieces", writes: ["he", "llo\n"], expected: [" hello"] },
  { name: "a line that never ends", writes: ["a\nb"], expected: [" a", " b"] },
  {
    name: "a carriage return is passed on at once",
    writes: ["10%\r", "20%\r", "ok\n"],
    expected: [" 10%\r", "+20%\r", "+ok"],
  },
  { name: "a marker and its heading", writes: ["m\r\x1b[0K", "h\n", "x\n"], expected: [" m\r\x1b[0K", "+h", " x"] },
  { name: "a carriage return before a line feed is text", writes: ["a\r\nb\n"], expected: [" a\r", " b"] },
  {
    name: "a very long line is cut",
    writes: ["x".repeat(5000), "y".repeat(5000), "z\n"],
    expected: [` ${"x".repeat(5000)}${"y".repeat(5000)}`, "+z"],
  },
];

describe("timestamps", () => {
  for (const { name, writes, expected } of cases) {
    test(name, () => {
      const lines = expected.map((line) => `${stamp} 01O${line}\n`).join("");
      assert.equal(stampAll(writes.map((text) => Buffer.from(text))), lines);
    });
  }

  test("the stream's number is hexadecimal, its type a letter", () => {
    assert.equal(stampAll([Buffer.from("x\n")], { id: 15, type: "stderr" }), `${stamp} 0fE x\n`);
  });

  test("the text can be told from the stamped lines, however it was written", () => {
    const chunk = fc.string({ unit: fc.constantFrom("a", "\n", "\r", "é"), maxLength: 30 });
    const property = fc.property(fc.array(chunk), (chunks) => {
      const stamped = stampAll(chunks.map((text) => Buffer.from(text)));
      const text = chunks.join("");
      const unfinished = text === "" || text.endsWith("\n") ? "" : "\n";
      assert.equal(unstamped(stamped), `${text}${unfinished}`);
    });
    fc.assert(property);
  });
});

/** Drops the headers, and the line feed before each line that continues. */
function unstamped(log: string): string {
  const headers = /(\n|^)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z [0-9a-f]{2}[OE]([ +])/g;
  return log.replace(headers, (_, lineFeed, flag) => (flag === "+" ? "" : lineFeed));
}
