import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { aSpan } from "../../test/support/spans.ts";
import type { SpanPriority } from "./endpoint.ts";
import { createSpanQueue, type SpanQueue } from "./span-queue.ts";

const everything = { maxSpans: 1_000_000, maxBytes: Number.POSITIVE_INFINITY };

describe("the queue of an endpoint", () => {
  test("spans leave in the order of their arrival, whatever their priority", () => {
    const queue = createSpanQueue({ maxQueuedSpans: 10, maxQueuedBytes: 1_000 });
    for (const [number, priority] of ([1, 3, 0, 2, 1] as const).entries()) add(queue, number, { bytes: 1, priority });
    assert.deepEqual(
      queue.take(everything).map(({ sequence }) => sequence),
      [0, 1, 2, 3, 4],
    );
  });

  test("a request holds as many spans as fit its bounds, but at least one", () => {
    const queue = createSpanQueue({ maxQueuedSpans: 10, maxQueuedBytes: 1_000 });
    for (const bytes of [50, 50, 1, 500]) add(queue, 0, { bytes, priority: 1 });
    const sizes = () => queue.take({ maxSpans: 2, maxBytes: 100 }).map(({ bytes }) => bytes);
    assert.deepEqual([sizes(), sizes(), sizes(), sizes()], [[50, 50], [1], [500], []]);
  });

  test("thousands of spans come and go", () => {
    const queue = createSpanQueue({ maxQueuedSpans: 5_000, maxQueuedBytes: 1_000_000 });
    for (let round = 0; round < 10; round++) {
      for (let number = 0; number < 3_000; number++) add(queue, number, { bytes: 10, priority: 1 });
      assert.equal(queue.take({ maxSpans: 3_000, maxBytes: 1_000_000 }).length, 3_000);
    }
    assert.deepEqual([queue.length, queue.bytes], [0, 0]);
  });

  test("a span that is larger than the whole queue is given up alone", () => {
    const queue = createSpanQueue({ maxQueuedSpans: 10, maxQueuedBytes: 100 });
    add(queue, 1, { bytes: 60, priority: 3 });
    assert.equal(add(queue, 2, { bytes: 200, priority: 1 }), 1);
    assert.equal(queue.length, 1);
  });

  test("it keeps and gives up exactly what the rule says, and counts it", () => {
    const bounds = { maxQueuedSpans: 8, maxQueuedBytes: 200 };
    const added = fc.record({
      bytes: fc.integer({ min: 1, max: 60 }),
      priority: fc.constantFrom<SpanPriority>(0, 1, 2, 3, -7, 0.5, Number.POSITIVE_INFINITY),
    });
    fc.assert(
      fc.property(fc.array(added, { maxLength: 40 }), (spans) => {
        const queue = createSpanQueue(bounds);
        let model: ModelSpan[] = [];
        for (const [sequence, options] of spans.entries()) {
          const before = model.length;
          model = addToModel(model, { sequence, ...options }, bounds);
          assert.equal(add(queue, sequence, options), before + 1 - model.length);
          assert.equal(queue.length, model.length);
        }
        assert.deepEqual(
          queue.take(everything).map(({ sequence }) => sequence),
          model.map(({ sequence }) => sequence),
        );
        assert.deepEqual([queue.length, queue.bytes], [0, 0]);
      }),
      { numRuns: 500 },
    );
  });
});

/** @returns how many spans were given up. */
function add(queue: SpanQueue, number: number, options: { bytes: number; priority: SpanPriority }): number {
  return queue.add({ span: aSpan(number), ticket: undefined, ...options }).length;
}

interface ModelSpan {
  readonly sequence: number;
  readonly bytes: number;
  readonly priority: number;
}

/** The rule, written for the eye: while there is too much, the newest of the lowest priority goes. */
function addToModel(
  model: readonly ModelSpan[],
  span: ModelSpan,
  bounds: { maxQueuedSpans: number; maxQueuedBytes: number },
): ModelSpan[] {
  let kept = [...model, span];
  const bytes = () => kept.reduce((sum, one) => sum + one.bytes, 0);
  while (kept.length > bounds.maxQueuedSpans || bytes() > bounds.maxQueuedBytes) {
    const lowest = Math.min(...kept.map(({ priority }) => priority));
    const victim = kept.findLast(({ priority }) => priority === lowest);
    kept = kept.filter((one) => one !== victim);
  }
  return kept;
}
