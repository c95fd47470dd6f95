/** One variable of a job, in the terms of the payload (runner-protocol.md §1.8.4). */
export interface Variable {
  readonly key: string;
  readonly value: string;
  /** May be shown, and passed to service containers. */
  readonly public: boolean;
  readonly masked: boolean;
  readonly file: boolean;
  /** Not expanded. */
  readonly raw: boolean;
}

/** A variable with the usual flags: public, not masked, no file, expanded. */
export function variable(key: string, value: string, flags: Partial<Omit<Variable, "key" | "value">> = {}): Variable {
  return { key, value, public: true, masked: false, file: false, raw: false, ...flags };
}
