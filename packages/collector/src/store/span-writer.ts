import type { SpanBlock } from "./span-block.ts";
import { StoreError } from "./store-error.ts";

/** Options of {@link SpanWriter}. */
export interface SpanWriterOptions {
  /** Stores blocks in one insert. @throws {StoreError} */
  readonly insert: (blocks: readonly SpanBlock[]) => Promise<void>;
  /** Most bytes in one insert, one block excepted. Default 16 MiB. */
  readonly maxInsertBytes?: number;
  /** Inserts of fewer rows than this are spaced out. Default 200. */
  readonly smallInsertRows?: number;
  /** Least time from the start of one insert to that of a small one, in ms. Default 200. */
  readonly smallInsertSpacingMs?: number;
  /** Longest time after an insert in which those whom it answered may come back, in ms. Default 50. */
  readonly gatherMs?: number;
}

interface PendingBlock {
  readonly block: SpanBlock;
  readonly stored: PromiseWithResolvers<void>;
}

/**
 * Writes blocks of spans in groups: while one insert runs, what arrives gathers for the next.
 *
 * One insert runs at a time. A block that arrives when none runs is inserted at once, but for two cases, because each
 * insert costs the engine some 30 ms over five tables, however few rows it has:
 *
 * - a trickle of single spans is gathered for `smallInsertSpacingMs`;
 * - after a large insert, the many senders that it answered come back together, so the next one waits for half as many
 *   rows, for `gatherMs` at most. A single sender that waits for each answer never waits for this.
 *
 * How much may wait is the caller's to bound (pending-bytes.ts).
 *
 * An insert that the engine refuses for good is repeated block by block, so that one sender's bad rows (spans spread over
 * more days than one insert may touch, say) do not fail the others'.
 */
export class SpanWriter {
  readonly #insert: SpanWriterOptions["insert"];
  readonly #maxInsertBytes: number;
  readonly #smallInsertRows: number;
  readonly #spacingMs: number;
  readonly #gatherMs: number;
  readonly #pending: PendingBlock[] = [];
  #pendingRows = 0;
  #running: Promise<void> | undefined;
  #last = { rows: 0, startMs: Number.NEGATIVE_INFINITY, endMs: Number.NEGATIVE_INFINITY };
  #wake: (() => void) | undefined;
  #draining = false;

  constructor(options: SpanWriterOptions) {
    this.#insert = options.insert;
    this.#maxInsertBytes = options.maxInsertBytes ?? 16 * 1024 * 1024;
    this.#smallInsertRows = options.smallInsertRows ?? 200;
    this.#spacingMs = options.smallInsertSpacingMs ?? 200;
    this.#gatherMs = options.gatherMs ?? 50;
  }

  /** Resolves once the block is stored. @throws {StoreError} when it is not. */
  write(block: SpanBlock): Promise<void> {
    const stored = Promise.withResolvers<void>();
    this.#pending.push({ block, stored });
    this.#pendingRows += block.rows;
    this.#wake?.();
    this.#running ??= this.#run();
    return stored.promise;
  }

  /** Waits until everything that was written is stored or refused, without spacing small inserts out any longer. */
  async drain(): Promise<void> {
    this.#draining = true;
    this.#wake?.();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#pending.length > 0) {
      for (let waitMs = this.#waitMs(); waitMs > 0; waitMs = this.#waitMs()) await this.#wokenWithin(waitMs);
      const group = this.#takeGroup();
      const rows = rowsIn(group);
      const startMs = performance.now();
      this.#last = { rows, startMs, endMs: startMs };
      await this.#store(group);
      this.#last = { rows, startMs, endMs: performance.now() };
    }
    this.#running = undefined;
  }

  #waitMs(): number {
    if (this.#draining) return 0;
    if (this.#pendingRows < this.#smallInsertRows) return this.#last.startMs + this.#spacingMs - performance.now();
    if (this.#pendingRows < this.#last.rows / 2) return this.#last.endMs + this.#gatherMs - performance.now();
    return 0;
  }

  async #wokenWithin(ms: number): Promise<void> {
    const woken = Promise.withResolvers<void>();
    const timer = setTimeout(woken.resolve, ms);
    this.#wake = woken.resolve;
    await woken.promise;
    this.#wake = undefined;
    clearTimeout(timer);
  }

  #takeGroup(): PendingBlock[] {
    let bytes = 0;
    const fits = this.#pending.findIndex(({ block }, index) => {
      bytes += block.bytes.length;
      return index > 0 && bytes > this.#maxInsertBytes;
    });
    const group = this.#pending.splice(0, fits < 0 ? this.#pending.length : fits);
    this.#pendingRows -= rowsIn(group);
    return group;
  }

  async #store(group: readonly PendingBlock[]): Promise<void> {
    try {
      await this.#insert(group.map(({ block }) => block));
      for (const { stored } of group) stored.resolve();
    } catch (error) {
      const isOfRows = error instanceof StoreError && (error.code === "unstorable" || error.code === "rejected");
      if (isOfRows && group.length > 1) for (const pending of group) await this.#store([pending]);
      else for (const { stored } of group) stored.reject(error);
    }
  }
}

function rowsIn(group: readonly PendingBlock[]): number {
  return group.reduce((rows, { block }) => rows + block.rows, 0);
}
