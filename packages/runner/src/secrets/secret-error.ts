/**
 * Whose fault it is that a secret cannot be had.
 *
 * `missing`: there is none of that name. `refused`: the provider does not give it to this job, or cannot make sense of
 * what it asks for. `broken`: the provider says that it is out of order. `unreachable`: everything else, from a name that
 * does not resolve to an answer that cannot be read.
 */
export type SecretErrorCode = "missing" | "refused" | "broken" | "unreachable";

/** A secret cannot be had. The message names provider, place and what was answered; no token and no value. */
export class SecretError extends Error {
  override readonly name = "SecretError";
  readonly code: SecretErrorCode;

  constructor(message: string, { code, cause }: { readonly code: SecretErrorCode; readonly cause?: unknown }) {
    super(message, { cause });
    this.code = code;
  }
}
