/** What a span is in the tree, which decides what it carries at its end and whether it can be given up. */
export type SpanRole = "job" | "stage" | "child" | "function" | "command" | "section";

/** The share of the limit that spans of a role may fill: the rest is kept free for what matters more. */
const shareOf = {
  job: Number.POSITIVE_INFINITY,
  stage: Number.POSITIVE_INFINITY,
  child: 0.95,
  function: 0.95,
  command: 0.9,
  section: 0.9,
};

/**
 * Counts a job's spans against its limit. Spans are sent as they end, so nothing can be taken back: commands and sections
 * stop at 90 % of the limit and functions at 95 %, which leaves room for the stages that come after the script. Stages
 * and `job_execution` are never refused.
 *
 * Rule: telemetry.md §4, "Limits".
 */
export class SpanBudget {
  readonly #maxSpans: number;
  #spans = 0;
  #dropped = 0;

  constructor(maxSpans: number) {
    this.#maxSpans = maxSpans;
  }

  get spans(): number {
    return this.#spans;
  }

  get dropped(): number {
    return this.#dropped;
  }

  /** Whether one more span of that role may begin; counts it either way. */
  admit(role: SpanRole): boolean {
    const isAdmitted = this.#spans < this.#maxSpans * shareOf[role];
    if (isAdmitted) this.#spans += 1;
    else this.#dropped += 1;
    return isAdmitted;
  }
}
