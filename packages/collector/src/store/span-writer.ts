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
}

interface PendingBlock {
  readonly block: SpanBlock;
  readonly stored: PromiseWithResolvers<void>;
}

/**
 * Writes blocks of spans in groups: while one insert runs, what arrives gathers for the next.
 *
 * One insert runs at a time. A block that arrives when none runs is inserted at once, unless it is small and another
 * insert began just before: each insert costs the engine some 30 ms over five tables, however few rows it has, so a
 * trickle of single spans is gathered for `smallInsertSpacingMs`. How much may wait is the caller's to bound
 * (pending-bytes.ts).
 *
 * An insert that the engine refuses for good is repeated block by block, so that one sender's bad rows (spans spread over
 * more days than one insert may touch, say) do not fail the others'.
 */
export class SpanWriter {
  readonly #insert: SpanWriterOptions["insert"];
  readonly #maxInsertBytes: number;
  readonly #smallInsertRows: number;
  readonly #spacingMs: number;
  readonly #pending: PendingBlock[] = [];
  #running: Promise<void> | undefined;
  #lastStartMs = Number.NEGATIVE_INFINITY;
  #wake: (() => void) | undefined;
  #draining = false;

  constructor(options: SpanWriterOptions) {
    this.#insert = options.insert;
    this.#maxInsertBytes = options.maxInsertBytes ?? 16 * 1024 * 1024;
    this.#smallInsertRows = options.smallInsertRows ?? 200;
    this.#spacingMs = options.smallInsertSpacingMs ?? 200;
  }

  /** Resolves once the block is stored. @throws {StoreError} when it is not. */
  write(block: SpanBlock): Promise<void> {
    const stored = Promise.withResolvers<void>();
    this.#pending.push({ block, stored });
    if (this.#isWorthwhile()) this.#wake?.();
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
      await this.#space();
      this.#lastStartMs = performance.now();
      await this.#store(this.#takeGroup());
    }
    this.#running = undefined;
  }

  async #space(): Promise<void> {
    const waitMs = this.#lastStartMs + this.#spacingMs - performance.now();
    if (waitMs <= 0 || this.#isWorthwhile()) return;
    const woken = Promise.withResolvers<void>();
    const timer = setTimeout(woken.resolve, waitMs);
    this.#wake = woken.resolve;
    await woken.promise;
    this.#wake = undefined;
    clearTimeout(timer);
  }

  #isWorthwhile(): boolean {
    return this.#draining || this.#pending.reduce((rows, { block }) => rows + block.rows, 0) >= this.#smallInsertRows;
  }

  #takeGroup(): PendingBlock[] {
    let bytes = 0;
    const fits = this.#pending.findIndex(({ block }, index) => {
      bytes += block.bytes.length;
      return index > 0 && bytes > this.#maxInsertBytes;
    });
    return this.#pending.splice(0, fits < 0 ? this.#pending.length : fits);
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
