import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { encodeEntry, readEntries, type SpoolEntry } from "./record.ts";

const entry = fc.oneof(
  fc.record(
    {
      kind: fc.constant("span" as const),
      id: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      closes: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      payload: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    },
    { noNullPrototype: true },
  ),
  fc.record(
    { kind: fc.constant("settled" as const), id: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) },
    { noNullPrototype: true },
  ),
);

describe("the entries of a segment", () => {
  test("a file that was cut anywhere gives all entries that are whole, and nothing else", () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 5 }), fc.nat(400), (entries, cut) => {
        const encoded = entries.map(encodeEntry);
        const bytes = Buffer.concat(encoded);
        const kept = bytes.subarray(0, cut);
        const whole = entries.filter((_, index) => Buffer.concat(encoded.slice(0, index + 1)).length <= kept.length);
        assert.deepEqual(withoutPlaces(kept), whole);
      }),
    );
  });

  test("a flipped bit never gives an entry that was not written", () => {
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1, maxLength: 4 }), fc.nat(), (entries, bit) => {
        const bytes = Buffer.concat(entries.map(encodeEntry));
        const at = bit % (bytes.length * 8);
        bytes.writeUInt8(bytes.readUInt8(at >> 3) ^ (1 << (at & 7)), at >> 3);
        const read = withoutPlaces(bytes);
        assert.deepEqual(read, entries.slice(0, read.length));
        assert.ok(read.length < entries.length);
      }),
    );
  });

  test("zeros at the end, as some file systems leave after a power failure, are no entries", () => {
    const bytes = Buffer.concat([encodeEntry({ kind: "settled", id: 1n }), Buffer.alloc(100)]);
    assert.deepEqual(withoutPlaces(bytes), [{ kind: "settled", id: 1n }]);
  });
});

function withoutPlaces(bytes: Buffer): SpoolEntry[] {
  return [...readEntries(bytes)].map(({ place, ...read }) => read);
}
