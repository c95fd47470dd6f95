import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatDuration } from "./format-duration.ts";

const cases: readonly { nanos: bigint; text: string }[] = [
  { nanos: 0n, text: "0ms" },
  { nanos: -5_000_000n, text: "0ms" },
  { nanos: 400_000n, text: "0ms" },
  { nanos: 87_000_000n, text: "87ms" },
  { nanos: 999_400_000n, text: "999ms" },
  { nanos: 999_600_000n, text: "1.00s" },
  { nanos: 3_412_000_000n, text: "3.41s" },
  { nanos: 9_996_000_000n, text: "10.0s" },
  { nanos: 42_000_000_000n, text: "42.0s" },
  { nanos: 59_960_000_000n, text: "1m 00s" },
  { nanos: 187_000_000_000n, text: "3m 07s" },
  { nanos: 3_600_000_000_000n, text: "1h 00m" },
  { nanos: 7_500_000_000_000n, text: "2h 05m" },
];

for (const { nanos, text } of cases) {
  test(`${nanos} ns are written as ${text}`, () => assert.equal(formatDuration(nanos), text));
}

test("a duration below a hundred hours takes at most seven characters", () => {
  const nanos = fc.bigInt({ min: -1_000n, max: 99n * 3_600_000_000_000n });
  fc.assert(fc.property(nanos, (duration) => formatDuration(duration).length <= 7));
});
