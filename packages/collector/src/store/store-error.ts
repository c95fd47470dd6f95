/**
 * What kept the store from doing its work.
 *
 * - `unavailable`: the server does not answer, or the engine is closing;
 * - `full`: no space is left, or the directory cannot be written;
 * - `overloaded`: too many parts, too much memory, too many queries at once;
 * - `rejected`: the engine refuses the statement itself;
 * - `unstorable`: the engine will never take these rows;
 * - `read-only`: the statement would do more than read;
 * - `timeout`: the statement took longer than it may;
 * - `too-large`: the answer is larger than it may be.
 */
export type StoreErrorCode =
  | "unavailable"
  | "full"
  | "overloaded"
  | "rejected"
  | "unstorable"
  | "read-only"
  | "timeout"
  | "too-large";

/** A failure of the store. Its message has no query text and no data in it (style.md §6). */
export class StoreError extends Error {
  override readonly name = "StoreError";
  readonly code: StoreErrorCode;
  /** The *name* of what was attempted: `insert spans`, `job trace`, `sql`. */
  readonly operation: string;
  /** Whether the same attempt may succeed later. */
  readonly retryable: boolean;

  constructor(
    facts: { code: StoreErrorCode; operation: string; retryable: boolean; detail: string },
    options?: ErrorOptions,
  ) {
    super(`${facts.operation}: ${facts.detail}`, options);
    this.code = facts.code;
    this.operation = facts.operation;
    this.retryable = facts.retryable;
  }
}
