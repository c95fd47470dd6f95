import { StoreError, type StoreErrorCode } from "./store-error.ts";

/** What ClickHouse's error types mean to us; every other one is `rejected`. Names: ClickHouse, `ErrorCodes.cpp`. */
const meaningByType: Readonly<Record<string, { code: StoreErrorCode; retryable: boolean }>> = {
  READONLY: { code: "read-only", retryable: false },
  TIMEOUT_EXCEEDED: { code: "timeout", retryable: false },
  TOO_MANY_ROWS_OR_BYTES: { code: "too-large", retryable: false },
  NOT_ENOUGH_SPACE: { code: "full", retryable: true },
  CANNOT_WRITE_TO_FILE_DESCRIPTOR: { code: "full", retryable: true },
  MEMORY_LIMIT_EXCEEDED: { code: "overloaded", retryable: true },
  TOO_MANY_PARTS: { code: "overloaded", retryable: true },
  TOO_MANY_SIMULTANEOUS_QUERIES: { code: "overloaded", retryable: true },
  AUTHENTICATION_FAILED: { code: "unavailable", retryable: true },
  TABLE_IS_READ_ONLY: { code: "unavailable", retryable: true },
  ABORTED: { code: "unavailable", retryable: true },
  NETWORK_ERROR: { code: "unavailable", retryable: true },
  SOCKET_TIMEOUT: { code: "unavailable", retryable: true },
};

/** Options of {@link storeErrorOf}. */
export interface StoreErrorOptions {
  /** Adds the engine's own words, which may quote the statement: only for who wrote the statement. Default false. */
  readonly showEngineMessage?: boolean;
}

/**
 * Makes a {@link StoreError} of whatever the client threw. Which failures are worth a retry is decided here and nowhere
 * else (style.md §6).
 *
 * @param operation the name of what was attempted.
 */
export function storeErrorOf(error: unknown, operation: string, options: StoreErrorOptions = {}): StoreError {
  if (error instanceof StoreError) return error;
  if (isFromEngine(error)) return ofEngine(error, operation, options);
  const code = errnoOf(error);
  if (code === "ENOSPC" || code === "EDQUOT" || code === "EROFS") {
    const detail = code === "EROFS" ? "the data directory is read-only" : "no space is left in the data directory";
    return new StoreError({ code: "full", operation, retryable: true, detail }, { cause: error });
  }
  const detail = `the store does not answer${code === undefined ? "" : ` (${code})`}`;
  return new StoreError({ code: "unavailable", operation, retryable: true, detail }, { cause: error });
}

interface EngineError extends Error {
  readonly code: string;
  readonly type: string | undefined;
}

/** By its fields: chdb and the client each have a `ClickHouseError` of their own. */
function isFromEngine(error: unknown): error is EngineError {
  return error instanceof Error && "type" in error && "code" in error && /^\d+$/.test(String(error.code));
}

/** The engine's own message may quote the statement and its data, so only its type is passed on (style.md §6). */
function ofEngine(error: EngineError, operation: string, options: StoreErrorOptions): StoreError {
  const type = error.type ?? `code ${error.code}`;
  // One code for two failures: a table that has too many parts, and an insert whose rows lie on too many days.
  const isScattered = type === "TOO_MANY_PARTS" && error.message.includes("single INSERT block");
  const meaning = isScattered ? undefined : meaningByType[type];
  const words = options.showEngineMessage ? error.message.trim() : `ClickHouse says ${type}`;
  const detail = isScattered
    ? "the rows of one request lie on too many days"
    : type === "NOT_ENOUGH_SPACE"
      ? "no space is left in the data directory"
      : words;
  return new StoreError(
    { ...(meaning ?? { code: isScattered ? "unstorable" : "rejected", retryable: false }), operation, detail },
    { cause: error },
  );
}

function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = (error as NodeJS.ErrnoException).code;
  return typeof code === "string" ? code : errnoOf(error.cause);
}
