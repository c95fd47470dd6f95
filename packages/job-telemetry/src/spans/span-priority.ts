import type { SpanPriority } from "@jobscope/labkit";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import type { SpanRole } from "./span-budget.ts";

/** What goes first, by role. A function may have parts and a part functions: among them the depth decides. */
const rankOf: Readonly<Record<SpanRole, number>> = { command: 0, section: 1, function: 2, child: 2, stage: 3, job: 4 };
/** Spans deeper than that count as equally deep: each priority is a lane of the queue. */
const maxDepth = 31;

/** Beside the spans, since what is on them is masked, cut and sent. */
const priorities = new WeakMap<object, SpanPriority>();

/** Notes where in its job's tree a span is. `depth`: 0 for `job_execution`. */
export function placeSpan(span: object, place: { role: SpanRole; depth: number }): void {
  priorities.set(span, rankOf[place.role] * (maxDepth + 1) + maxDepth - Math.min(place.depth, maxDepth));
}

/**
 * Which of a job's spans a full export queue gives up last: `job_execution`, before it the stages, then functions and parts
 * of stages, then sections, and commands first. Of one kind the deepest goes first, and of those the newest, so that no
 * span goes before one that it is the parent of. For the `priorityOf` of labkit's endpoint pool; spans of another making
 * have the lowest.
 *
 * Rule: telemetry.md §4, "Bounded" and "Limits".
 */
export function spanPriority(span: ReadableSpan): SpanPriority {
  return priorities.get(span) ?? 0;
}
