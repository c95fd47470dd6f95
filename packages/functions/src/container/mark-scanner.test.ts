import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MarkScanner, type Scanned } from "./mark-scanner.ts";

const mark = Buffer.from("\0aab\0");
/** Bytes that often look like a mark's beginning. */
const bytes = fc.array(fc.constantFrom("\0", "a", "b", "aa", "\0a")).map((parts) => Buffer.from(parts.join("")));
const piece = fc.oneof(bytes, fc.constant(mark));

test("marks are found and all other bytes come through, however the stream is cut", () => {
  fc.assert(
    fc.property(fc.array(piece), fc.infiniteStream(fc.integer({ min: 1, max: 7 })), (pieces, sizes) => {
      // the last byte begins no mark, so that nothing is held back
      const stream = Buffer.concat([...pieces, mark, Buffer.from("x")]);
      const scanner = new MarkScanner(mark);
      const found: Scanned[] = [];
      for (let from = 0; from < stream.length; ) {
        const size = sizes.next().value;
        found.push(...scanner.push(stream.subarray(from, from + size)));
        from += size;
      }
      const text = found.map((item) => (item === "mark" ? "|" : Buffer.from(item).toString("latin1"))).join("");
      assert.equal(text, stream.toString("latin1").split(mark.toString("latin1")).join("|"));
    }),
    { numRuns: 500 },
  );
});
