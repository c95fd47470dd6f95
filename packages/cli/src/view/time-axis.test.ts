import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { timeTicks } from "./time-axis.ts";

const second = 1_000_000_000n;
const cases: readonly { duration: bigint; width: number; labels: string[] }[] = [
  { duration: 0n, width: 50, labels: ["0s"] },
  { duration: second / 2n, width: 50, labels: ["0s", "0.1s", "0.2s", "0.3s", "0.4s"] },
  { duration: 10n * second, width: 50, labels: ["0s", "2s", "4s", "6s", "8s"] },
  { duration: 90n * second, width: 50, labels: ["0s", "30s", "1m"] },
  { duration: 300n * second, width: 50, labels: ["0s", "1m", "2m", "3m", "4m"] },
  { duration: 5400n * second, width: 50, labels: ["0s", "30m", "1h"] },
];
for (const { duration, width, labels } of cases) {
  test(`${duration / 1_000_000n} ms on ${width} cells are marked ${labels.join(" ")}`, () => {
    assert.deepEqual(
      timeTicks(duration, width).map(({ label }) => label),
      labels,
    );
  });
}

test("labels never touch each other and stay within the width", () => {
  const durations = fc.bigInt({ min: 1_000_000n, max: 3_000_000n * second });
  fc.assert(
    fc.property(durations, fc.integer({ min: 12, max: 300 }), (duration, width) => {
      const ticks = timeTicks(duration, width);
      return ticks.every(({ cell, label }, index) => {
        const next = ticks[index + 1]?.cell ?? width + 1;
        return cell + label.length + 1 < next + 1;
      });
    }),
  );
});
