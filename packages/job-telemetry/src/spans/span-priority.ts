import type { SpanPriority } from "@jobscope/labkit";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";

/**
 * Which of a job's spans a full export queue gives up last: `job_execution`, before it the stages, then functions, and
 * commands and sections first. For the `priorityOf` of labkit's endpoint pool.
 *
 * Rule: telemetry.md §4, "Bounded" and "Limits".
 */
export function spanPriority(span: ReadableSpan): SpanPriority {
  if (span.name === "job_execution") return 3;
  if (span.attributes["ci.stage.name"] !== undefined) return 2;
  return span.attributes["ci.function.name"] === undefined ? 0 : 1;
}
