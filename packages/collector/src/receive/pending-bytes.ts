/** A request's share of {@link PendingBytes}. Given back when it is disposed of. */
export interface Reservation extends Disposable {
  /** Makes the share `bytes` large. False when that is more than there is; the share then stays as it was. */
  resize(bytes: number): boolean;
}

/**
 * Bounds what all requests hold together from their first byte until their answer: bodies, inflated bodies, rows that
 * wait for the store.
 */
export class PendingBytes {
  readonly #max: number;
  #held = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get held(): number {
    return this.#held;
  }

  reserve(): Reservation {
    let share = 0;
    return {
      resize: (bytes) => {
        if (bytes > share && this.#held - share + bytes > this.#max) return false;
        this.#held += bytes - share;
        share = bytes;
        return true;
      },
      [Symbol.dispose]: () => {
        this.#held -= share;
        share = 0;
      },
    };
  }
}
