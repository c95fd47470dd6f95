/** What a failed call was for; stable, used as a metric and log field. */
export type CoordinatorOperation =
  | "register runner"
  | "verify runner"
  | "unregister runner"
  | "unregister runner manager"
  | "reset runner token"
  | "request job"
  | "update job"
  | "patch job log"
  | "upload artifact"
  | "download artifact";

export interface CoordinatorErrorDetails {
  readonly operation: CoordinatorOperation;
  /** HTTP status of the last answer; `undefined` when no answer came. */
  readonly status?: number | undefined;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  /** How long the coordinator asked to wait, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/**
 * A call to the coordinator came to no answer that its protocol knows.
 *
 * The message names the operation, the address without credentials and what was found; never a token.
 */
export class CoordinatorError extends Error {
  override readonly name = "CoordinatorError";
  readonly code = "COORDINATOR_CALL_FAILED";
  readonly operation: CoordinatorOperation;
  readonly status: number | undefined;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(message: string, details: CoordinatorErrorDetails) {
    super(message, { cause: details.cause });
    this.operation = details.operation;
    this.status = details.status;
    this.retryable = details.retryable;
    this.retryAfterMs = details.retryAfterMs;
  }
}
