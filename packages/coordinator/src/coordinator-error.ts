/** What kind of thing went wrong; stable, for callers to decide by. */
export type CoordinatorErrorCode = (typeof codes)[number];

const codes = [
  "address-in-use",
  "data-dir-unusable",
  "data-dir-in-use",
  "not-a-repository",
  "git-failed",
  "config-missing",
  "config-invalid",
  "no-jobs",
  "unknown-job",
  "not-found",
  "not-allowed",
  /** A coordinator in another process does not answer. */
  "unreachable",
] as const;

/** Whether a text from another process is one of our codes. */
export function isCoordinatorErrorCode(text: string): text is CoordinatorErrorCode {
  return codes.some((code) => code === text);
}

/**
 * Something the coordinator was asked for could not be done.
 *
 * `message` is for the user: what was attempted, on what, what was found. It never holds a secret.
 */
export class CoordinatorError extends Error {
  override readonly name = "CoordinatorError";
  readonly code: CoordinatorErrorCode;
  /** For `config-invalid`: every problem found, each naming file, job and keyword. */
  readonly problems: readonly string[];

  constructor(message: string, options: { code: CoordinatorErrorCode; cause?: unknown; problems?: readonly string[] }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code;
    this.problems = options.problems ?? [];
  }
}
