import { FunctionError } from "./function-error.ts";

/** The failure that an aborted signal makes of a step: `timeout` when that was the reason, else `cancelled`. */
export function cancelledBy(signal: AbortSignal, cause?: FunctionError): FunctionError {
  const reason: unknown = signal.reason;
  const timedOut = reason instanceof Error && reason.name === "TimeoutError";
  return new FunctionError(timedOut ? "timeout" : "cancelled", {
    code: "cancelled",
    cause: cause ?? reason,
    stepPath: cause?.stepPath ?? [],
    ...(cause?.exitCode === undefined ? {} : { exitCode: cause.exitCode }),
  });
}
