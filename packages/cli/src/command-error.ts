/** What the user asked for cannot be done; the message is all that they need to put it right. Exit code 2. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  /** What to try, in a sentence of its own. */
  readonly hint: string | undefined;

  constructor(message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.hint = options.hint;
  }
}
