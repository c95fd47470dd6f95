import { SpanStatusCode } from "@opentelemetry/api";
import type { SpanAttributes } from "../attributes.ts";
import type { SpanOutcome } from "./job-trace.ts";
import type { SpanRole } from "./span-budget.ts";

/** The outcome of a span that nobody ended, below one that succeeded: it cannot be told. */
export type Unfinished = { readonly status: "unfinished" };

/** What an outcome means in OpenTelemetry's words. */
export interface SpanEnding {
  readonly code: SpanStatusCode;
  /** One line; only with an error. */
  readonly message?: string;
  readonly attributes: SpanAttributes;
  /** Becomes an `exception` event. */
  readonly error?: Error | undefined;
}

/** OpenTelemetry's word for an error of no known type. */
const otherErrorType = "_OTHER";

/**
 * The status and attributes that a span ends with.
 *
 * Rule: telemetry.md §2: `OK` on success, `ERROR` with one line on failure and on cancellation, unset when it was skipped.
 */
export function spanEnding(role: SpanRole, outcome: SpanOutcome | Unfinished): SpanEnding {
  const attributes = outcomeAttributes(role, outcome);
  switch (outcome.status) {
    case "success":
      return { code: SpanStatusCode.OK, attributes };
    case "skipped":
    case "unfinished":
      return { code: SpanStatusCode.UNSET, attributes };
    case "canceled": {
      const message = firstLine(outcome.message) ?? "canceled";
      return { code: SpanStatusCode.ERROR, message, attributes: { ...attributes, "error.type": "job_canceled" } };
    }
    case "failed": {
      const errorType = errorTypeOf(outcome);
      const exit = outcome.exitCode === undefined ? errorType : `exit code ${outcome.exitCode}`;
      const message = firstLine(outcome.message) ?? firstLine(outcome.error?.message) ?? exit;
      return {
        code: SpanStatusCode.ERROR,
        message,
        attributes: { ...attributes, "error.type": errorType },
        error: outcome.error,
      };
    }
  }
}

/**
 * How a span ends that was still open when the one above it ended: failed or canceled with it; a command or section of a
 * script that succeeded has succeeded; of anything else below a success nobody knows.
 */
export function inheritedOutcome(role: SpanRole, above: SpanOutcome | Unfinished): SpanOutcome | Unfinished {
  switch (above.status) {
    case "failed":
      return { status: "failed", errorType: errorTypeOf(above), message: above.message ?? above.error?.message };
    case "canceled":
      return { status: "canceled", message: above.message };
    case "success":
      return role === "command" || role === "section" ? { status: "success" } : { status: "unfinished" };
    default:
      return { status: "unfinished" };
  }
}

function outcomeAttributes(role: SpanRole, outcome: SpanOutcome | Unfinished): SpanAttributes {
  if (outcome.status === "unfinished") return {};
  const exitCode = "exitCode" in outcome ? outcome.exitCode : undefined;
  if (role === "stage") return { "ci.stage.status": outcome.status, "ci.stage.exit_code": exitCode };
  if (role === "command") return { "ci.command.exit_code": exitCode };
  if (role !== "function") return {};
  // A function has no status `canceled` (telemetry.md §2): the span's description says it.
  const status = outcome.status === "canceled" ? "failed" : outcome.status;
  return { "ci.function.status": status, "ci.function.exit_code": exitCode };
}

function errorTypeOf(outcome: SpanOutcome & { status: "failed" }): string {
  if (outcome.errorType !== undefined) return outcome.errorType;
  if (outcome.error !== undefined) return errorClass(outcome.error);
  return outcome.exitCode === undefined ? otherErrorType : "script_failure";
}

/** The class of an error of ours, also when it does not set its `name`. */
export function errorClass(error: Error): string {
  return error.name === "Error" ? error.constructor.name || error.name : error.name;
}

function firstLine(text: string | undefined): string | undefined {
  return text
    ?.split(/[\r\n]+/, 8)
    .find((line) => line.trim() !== "")
    ?.trim();
}
