import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { SpanBlock } from "./span-block.ts";
import { SpanWriter } from "./span-writer.ts";
import { StoreError } from "./store-error.ts";

const block = (rows: number, bytes = rows): SpanBlock => ({ rows, bytes: new Uint8Array(bytes) });

/** A store whose inserts end when the test says so. */
function aSlowStore() {
  const inserts: { rows: number[]; end: () => void; fail: (error: StoreError) => void }[] = [];
  const waiting: (() => void)[] = [];
  return {
    inserts,
    async insert(blocks: readonly SpanBlock[]): Promise<void> {
      const ended = Promise.withResolvers<void>();
      inserts.push({ rows: blocks.map(({ rows }) => rows), end: ended.resolve, fail: ended.reject });
      for (const wake of waiting.splice(0)) wake();
      await ended.promise;
    },
    /** The insert with this index, once it began. */
    async began(index: number) {
      while (inserts[index] === undefined) await new Promise<void>((wake) => waiting.push(wake));
      return inserts[index];
    },
  };
}

describe("a span writer", () => {
  test("gathers what arrives while an insert runs into the next one", async () => {
    const store = aSlowStore();
    const writer = new SpanWriter({ insert: store.insert, smallInsertSpacingMs: 0 });
    const first = writer.write(block(1));
    const running = await store.began(0);
    const rest = [writer.write(block(2)), writer.write(block(3))];
    running.end();
    await first;
    (await store.began(1)).end();
    await Promise.all(rest);
    assert.deepEqual(
      store.inserts.map(({ rows }) => rows),
      [[1], [2, 3]],
    );
  });

  test("acknowledges nothing before its insert has ended", async () => {
    const store = aSlowStore();
    const writer = new SpanWriter({ insert: store.insert });
    let isStored = false;
    const written = writer.write(block(1)).then(() => {
      isStored = true;
    });
    const running = await store.began(0);
    await new Promise(setImmediate);
    assert.equal(isStored, false);
    running.end();
    await written;
  });

  test("splits what is too large for one insert, and lets a single block pass", async () => {
    const store = aSlowStore();
    const writer = new SpanWriter({ insert: store.insert, maxInsertBytes: 10, smallInsertSpacingMs: 0 });
    const writes = [block(1, 50), block(2, 6), block(3, 4), block(4, 1)].map((next) => writer.write(next));
    for (let index = 0; index < 3; index += 1) (await store.began(index)).end();
    await Promise.all(writes);
    assert.deepEqual(
      store.inserts.map(({ rows }) => rows),
      [[1], [2, 3], [4]],
    );
  });

  test("repeats an insert that is refused for its rows block by block, so that only the culprit fails", async () => {
    const refusal = new StoreError({ code: "unstorable", operation: "insert spans", retryable: false, detail: "x" });
    const inserts: number[][] = [];
    const insert = async (blocks: readonly SpanBlock[]) => {
      inserts.push(blocks.map(({ rows }) => rows));
      if (blocks.some(({ rows }) => rows === 666)) throw refusal;
    };
    const writer = new SpanWriter({ insert, smallInsertSpacingMs: 0 });
    const opening = writer.write(block(1));
    const outcomes = await Promise.allSettled([opening, ...[2, 666, 3].map((rows) => writer.write(block(rows)))]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ["fulfilled", "fulfilled", "rejected", "fulfilled"],
    );
    assert.deepEqual(inserts.slice(-3), [[2], [666], [3]]);
  });

  test("fails the whole group when the store is away, without trying block by block", async () => {
    const away = new StoreError({ code: "unavailable", operation: "insert spans", retryable: true, detail: "x" });
    let inserts = 0;
    const insert = async () => {
      inserts += 1;
      throw away;
    };
    const writer = new SpanWriter({ insert, smallInsertSpacingMs: 0 });
    const outcomes = await Promise.allSettled([1, 2, 3].map((rows) => writer.write(block(rows))));
    assert.ok(outcomes.every((outcome) => outcome.status === "rejected" && outcome.reason === away));
    assert.ok(inserts <= 2, `${inserts} inserts`);
  });

  test("waits with a small insert that follows another, but not with a large one", async () => {
    const store = aSlowStore();
    const writer = new SpanWriter({ insert: store.insert, smallInsertSpacingMs: 60_000, smallInsertRows: 10 });
    const first = writer.write(block(1));
    (await store.began(0)).end();
    await first;
    const small = writer.write(block(1));
    await new Promise(setImmediate);
    assert.equal(store.inserts.length, 1);
    const large = writer.write(block(9));
    (await store.began(1)).end();
    await Promise.all([small, large]);
    assert.deepEqual(
      store.inserts.map(({ rows }) => rows),
      [[1], [1, 9]],
    );
  });

  test("waits after a large insert until half as many rows are back", async () => {
    const store = aSlowStore();
    const options = { insert: store.insert, smallInsertSpacingMs: 0, smallInsertRows: 1, gatherMs: 60_000 };
    const writer = new SpanWriter(options);
    const first = writer.write(block(100));
    (await store.began(0)).end();
    await first;
    const back = [writer.write(block(20)), writer.write(block(20))];
    await new Promise(setImmediate);
    assert.equal(store.inserts.length, 1);
    back.push(writer.write(block(10)));
    (await store.began(1)).end();
    await Promise.all(back);
    assert.deepEqual(store.inserts[1]?.rows, [20, 20, 10]);
  });

  test("stores at once what waits when it is drained", async () => {
    const store = aSlowStore();
    const writer = new SpanWriter({ insert: store.insert, smallInsertSpacingMs: 60_000 });
    const first = writer.write(block(1));
    (await store.began(0)).end();
    await first;
    const waiting = writer.write(block(1));
    const drained = writer.drain();
    (await store.began(1)).end();
    await Promise.all([waiting, drained]);
  });
});
