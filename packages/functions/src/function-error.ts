/** What kind of thing went wrong; stable, for handlers and span attributes. */
export type FunctionErrorCode =
  /** A definition file or a `run` list does not say something valid (ci-functions.md §1.2, §3). */
  | "invalid_definition"
  /** A reference to a function cannot be understood (§2.2). */
  | "invalid_reference"
  /** The function was looked for and is not there. */
  | "function_not_found"
  /** Git or a registry could not deliver the function. */
  | "fetch_failed"
  /** An input is missing, unknown, of the wrong type, or may not carry a sensitive value (§4.2). */
  | "invalid_input"
  /** An expression cannot be read or evaluated (§7.10). */
  | "expression_failed"
  /** A command ended with another exit code than 0, or could not be started (§5.2). */
  | "command_failed"
  /** The output file, or a run form's outputs, break the declared interface (§4.3). */
  | "invalid_output"
  /** The export file cannot be used (§4.5). */
  | "invalid_export"
  /** The form is known and not offered, for example `action:` (§1.2). */
  | "unsupported"
  /** The connection to the place where commands run was lost, by no doing of the job. */
  | "host_lost"
  /** The caller's signal was aborted. */
  | "cancelled"
  /** Our own fault. */
  | "internal";

/** A place in a text, for messages that point. Line and column count from 1. */
export interface TextPlace {
  readonly file?: string;
  readonly line: number;
  readonly column: number;
  /** The line of the text with a caret below the place; two lines, no line end. */
  readonly excerpt?: string;
}

export interface FunctionErrorFacts {
  readonly code: FunctionErrorCode;
  /** Names of the steps from the job's list down to the one that failed. */
  readonly stepPath?: readonly string[];
  /** Exit code of the command that failed; -1 when a signal ended it or it never started. */
  readonly exitCode?: number;
  readonly place?: TextPlace;
  readonly cause?: unknown;
}

/**
 * A failure of a function or of a step, ready to be shown: the message names the steps from the outside in
 * (`step "deploy": step "push": exec: exit code 3`, ci-functions.md §5.4).
 *
 * Neither message nor fields hold values of inputs, outputs, variables or credentials.
 */
export class FunctionError extends Error {
  override readonly name = "FunctionError";
  readonly code: FunctionErrorCode;
  readonly stepPath: readonly string[];
  readonly exitCode: number | undefined;
  readonly place: TextPlace | undefined;

  constructor(message: string, facts: FunctionErrorFacts) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.code = facts.code;
    this.stepPath = facts.stepPath ?? [];
    this.exitCode = facts.exitCode;
    this.place = facts.place;
  }

  /** The same failure with words in front of its message, and with a step in front of its path when one is named. */
  within(prefix: string, stepName?: string): FunctionError {
    return new FunctionError(prefix + this.message, {
      code: this.code,
      stepPath: stepName === undefined ? this.stepPath : [stepName, ...this.stepPath],
      cause: this.cause instanceof FunctionError ? this.cause : this, // the innermost, not every step between
      ...(this.exitCode === undefined ? {} : { exitCode: this.exitCode }),
      ...(this.place === undefined ? {} : { place: this.place }),
    });
  }
}

/** Makes a {@link FunctionError} of whatever was thrown; what is not one already counts as our own fault. */
export function toFunctionError(thrown: unknown): FunctionError {
  if (thrown instanceof FunctionError) return thrown;
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return new FunctionError(`internal error: ${text}`, { code: "internal", cause: thrown });
}
