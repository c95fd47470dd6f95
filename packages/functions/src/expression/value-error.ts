import type { ExpressionErrorCode } from "./expression-error.ts";

/**
 * An operation its operands do not allow. The evaluator, which knows the source, turns it into an `ExpressionError`.
 * The message never quotes a value.
 */
export class ValueError extends Error {
  override readonly name = "ValueError";
  readonly code: ExpressionErrorCode;

  constructor(code: ExpressionErrorCode, message: string = code) {
    super(message);
    this.code = code;
  }
}

/** Counts the work one evaluation may do, so that no text can keep an engine busy. */
export class WorkMeter {
  #left: number;

  constructor(units: number) {
    this.#left = units;
  }

  /** @throws {ValueError} with `limit` when the units are used up. */
  spend(units: number): void {
    this.#left -= units;
    if (this.#left < 0) throw new ValueError("limit", "evaluation takes too long");
  }
}
