/** A piece of a stream: bytes, or a place where the mark stood. */
export type Scanned = Uint8Array | "mark";

/**
 * Finds a mark in a stream that comes in arbitrary pieces. What may be the beginning of a mark is held back until it is
 * known to be none.
 */
export class MarkScanner {
  readonly #mark: Uint8Array;
  #held: Uint8Array = new Uint8Array(0);

  constructor(mark: Uint8Array) {
    this.#mark = mark;
  }

  *push(chunk: Uint8Array): Generator<Scanned> {
    const data =
      this.#held.length === 0 ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length) : this.#join(chunk);
    let from = 0;
    for (let at = data.indexOf(this.#mark); at >= 0; at = data.indexOf(this.#mark, from)) {
      if (at > from) yield data.subarray(from, at);
      yield "mark";
      from = at + this.#mark.length;
    }
    const end = data.length - this.#beginningAtEnd(data.subarray(from));
    this.#held = data.subarray(end);
    if (end > from) yield data.subarray(from, end);
  }

  #join(chunk: Uint8Array): Buffer {
    return Buffer.concat([this.#held, chunk]);
  }

  /** Length of the longest end of the data that a mark begins with. */
  #beginningAtEnd(data: Buffer): number {
    for (let length = Math.min(this.#mark.length - 1, data.length); length > 0; length--) {
      if (data.subarray(data.length - length).equals(this.#mark.subarray(0, length))) return length;
    }
    return 0;
  }
}
