import { type SpanContext, SpanKind } from "@opentelemetry/api";
import type { SpanAttributes } from "../attributes.ts";
import type { Timeline, UnixNano } from "../clock.ts";
import type { FaultGuard } from "./fault-guard.ts";
import { genericAttributes } from "./generic-attributes.ts";
import type { SpanOutcome } from "./job-trace.ts";
import type { SpanBudget, SpanRole } from "./span-budget.ts";
import { inheritedOutcome, spanEnding, type Unfinished } from "./span-ending.ts";
import type { SpanWriter, WrittenSpan } from "./span-writer.ts";

/** What all spans of a job share. */
export interface JobSpans {
  readonly guard: FaultGuard;
  readonly writer: SpanWriter;
  readonly timeline: Timeline;
  readonly budget: SpanBudget;
  /** Whether GitLab's generic `ci.resource.*` names are set. */
  readonly hasGenericAttributes: boolean;
  readonly childSpanId: (child: { parentSpanId: string; name: string; ordinal: number }) => string;
}

export interface NewNode {
  readonly role: SpanRole;
  readonly name: string;
  readonly attributes: SpanAttributes;
  readonly startedAt?: UnixNano | undefined;
  readonly links?: readonly SpanContext[];
}

/**
 * One span in the tree. It knows what is open below it, so that a child always begins and ends within its parent's time
 * and is ended before it.
 *
 * States: open, until `end`; then ended, when it takes no more children, attributes or ends.
 */
export class SpanNode {
  readonly name: string;
  readonly context: SpanContext;
  readonly startedAt: UnixNano;
  readonly #job: JobSpans;
  readonly #role: SpanRole;
  readonly #span: WrittenSpan;
  readonly #parent: SpanNode | undefined;
  readonly #depth: number;
  readonly #openChildren = new Set<SpanNode>();
  readonly #ordinalByName = new Map<string, number>();
  #attributes: SpanAttributes;
  #latestChildEnd: UnixNano;
  #hasEnded = false;

  private constructor(
    job: JobSpans,
    role: SpanRole,
    span: { written: WrittenSpan; startedAt: UnixNano; attributes: SpanAttributes },
    parent?: SpanNode,
  ) {
    this.#job = job;
    this.#role = role;
    this.#span = span.written;
    this.#attributes = span.attributes;
    this.#parent = parent;
    this.#depth = parent === undefined ? 0 : parent.#depth + 1;
    this.name = span.written.name;
    this.context = span.written.context;
    this.startedAt = span.startedAt;
    this.#latestChildEnd = span.startedAt;
  }

  /** Opens `job_execution`. */
  static root(
    job: JobSpans,
    root: {
      spanId: string;
      parentSpanId: string | undefined;
      attributes: SpanAttributes;
      startedAt: UnixNano | undefined;
    },
  ): SpanNode {
    const now = job.timeline.now();
    const startedAt = root.startedAt !== undefined && root.startedAt < now ? root.startedAt : now;
    job.budget.admit("job");
    const written = job.writer.open({
      role: "job",
      depth: 0,
      name: "job_execution",
      spanIdOf: () => root.spanId,
      parent: root.parentSpanId === undefined ? undefined : job.writer.remoteParent(root.parentSpanId),
      // The kind of a run in OpenTelemetry's CI/CD conventions. Rule: telemetry.md §2.
      kind: SpanKind.SERVER,
      startedAt,
      attributes: root.attributes,
      links: [],
    });
    return new SpanNode(job, "job", { written, startedAt, attributes: root.attributes });
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** @returns undefined when this span has ended, or when the child is given up for the span limit. */
  open(child: NewNode): SpanNode | undefined {
    if (this.#hasEnded || !this.#job.budget.admit(child.role)) return undefined;
    const startedAt = this.#within(child.startedAt);
    const written = this.#job.writer.open({
      role: child.role,
      depth: this.#depth + 1,
      name: child.name,
      spanIdOf: (name) => this.#childSpanId(name),
      parent: this.context,
      kind: SpanKind.INTERNAL,
      startedAt,
      attributes: child.attributes,
      links: child.links ?? [],
    });
    const node = new SpanNode(this.#job, child.role, { written, startedAt, attributes: child.attributes }, this);
    this.#openChildren.add(node);
    return node;
  }

  setAttributes(attributes: SpanAttributes): void {
    if (this.#hasEnded) return;
    this.#attributes = { ...this.#attributes, ...attributes };
    this.#span.setAttributes(attributes);
  }

  /**
   * Ends the span, and before it what is still open below, each as `inheritedOutcome` has it.
   *
   * @param end `at`: when it ended, if that was before now. `lastAttributes`: asked for when all else is written.
   */
  end(
    outcome: SpanOutcome | Unfinished,
    end: { at?: UnixNano | undefined; lastAttributes?: () => SpanAttributes } = {},
  ): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    for (const child of [...this.#openChildren].reverse())
      child.end(inheritedOutcome(child.#role, outcome), { at: end.at });
    const at = this.#endTime(end.at);
    this.#job.guard.run("writing a span's ending", () => this.#writeEnding(outcome, at, end.lastAttributes), undefined);
    this.#parent?.forget(this, at);
    this.#span.end(at);
  }

  #writeEnding(outcome: SpanOutcome | Unfinished, at: UnixNano, lastAttributes?: () => SpanAttributes): void {
    this.#span.setEnding(spanEnding(this.#role, outcome), at);
    if (this.#role === "stage" && this.#job.hasGenericAttributes) {
      this.#span.setAttributes(genericAttributes({ name: this.name, attributes: this.#attributes }));
    }
    if (lastAttributes !== undefined) this.#span.setAttributes(lastAttributes());
  }

  private forget(child: SpanNode, endedAt: UnixNano): void {
    this.#openChildren.delete(child);
    if (endedAt > this.#latestChildEnd) this.#latestChildEnd = endedAt;
  }

  #childSpanId(name: string): string {
    const ordinal = (this.#ordinalByName.get(name) ?? 0) + 1;
    this.#ordinalByName.set(name, ordinal);
    return this.#job.childSpanId({ parentSpanId: this.context.spanId, name, ordinal });
  }

  /** A time between this span's start and now. */
  #within(time: UnixNano | undefined): UnixNano {
    const now = this.#job.timeline.now();
    if (time === undefined || time > now) return now;
    return time < this.startedAt ? this.startedAt : time;
  }

  /** A time between the end of the last child and now. */
  #endTime(time: UnixNano | undefined): UnixNano {
    const at = this.#within(time);
    if (at < this.#latestChildEnd) return this.#latestChildEnd;
    return at;
  }
}
