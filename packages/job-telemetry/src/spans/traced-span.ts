import type { SpanAttributes } from "../attributes.ts";
import type { UnixNano } from "../clock.ts";
import type { LogSectionEvent } from "../log-sections/log-section-event.ts";
import type { TelemetryPolicy } from "../policy.ts";
import type { FaultGuard } from "./fault-guard.ts";
import type {
  ChildOptions,
  CommandOptions,
  FunctionOptions,
  LeafSpan,
  SectionOptions,
  SpanOutcome,
  StageSpan,
} from "./job-trace.ts";
import { traceEnvironment } from "./propagation.ts";
import { markerTime, SectionSpans } from "./section-spans.ts";
import type { JobSpans, NewNode, SpanNode } from "./span-node.ts";
import { untracedLeaf, untracedSpan } from "./untraced-job-trace.ts";

/** What the public spans of a job share. */
export interface TracedJobContext {
  readonly spans: JobSpans;
  readonly policy: TelemetryPolicy;
}

/**
 * The span of a stage, or of a function, which can do a part of what a stage can.
 *
 * When a span was given up for the limit, `own` is undefined, and what runs in it runs in `nearest`, the next span above
 * that exists.
 */
export class TracedSpan implements StageSpan {
  readonly #context: TracedJobContext;
  readonly #own: SpanNode | undefined;
  readonly #nearest: SpanNode;
  /** How many functions are around what is opened here. */
  readonly #functionDepth: number;
  readonly #sections: SectionSpans;
  #environment: Readonly<Record<string, string>> | undefined;

  constructor(context: TracedJobContext, span: { own: SpanNode | undefined; parent: SpanNode; functionDepth: number }) {
    this.#context = context;
    this.#own = span.own;
    this.#nearest = span.own ?? span.parent;
    this.#functionDepth = span.functionDepth;
    this.#sections = new SectionSpans({
      open: (options, parent) => this.#openSection(options, parent),
      end: (leaf, unixSeconds) =>
        leaf instanceof TracedLeaf ? leaf.endAt(markerTime(unixSeconds, this.#now())) : undefined,
    });
  }

  get spanId(): string | undefined {
    return this.#own?.context.spanId;
  }

  get traceparent(): string | undefined {
    return this.environment["TRACEPARENT"];
  }

  get environment(): Readonly<Record<string, string>> {
    this.#environment ??= this.#context.spans.guard.run(
      "the trace variables",
      () => traceEnvironment(this.#nearest.context),
      {},
    );
    return this.#environment;
  }

  setAttributes(attributes: SpanAttributes): void {
    this.#context.spans.guard.run("setting attributes", () => this.#own?.setAttributes(attributes), undefined);
  }

  startCommand(options: CommandOptions): LeafSpan {
    const { policy, spans } = this.#context;
    if (!policy.commandSpans) return untracedLeaf;
    const attributes = { "ci.command.text": options.text, "ci.command.index": options.index };
    return spans.guard.run(
      "opening a command span",
      () => this.#openLeaf({ role: "command", name: "command", attributes }, this.#nearest),
      untracedLeaf,
    );
  }

  startSection(options: SectionOptions): LeafSpan {
    return this.#context.spans.guard.run(
      "opening a section span",
      () => this.#openSection(options, undefined),
      untracedLeaf,
    );
  }

  recordSection(event: LogSectionEvent): void {
    if (!this.#context.policy.sectionSpans) return;
    this.#context.spans.guard.run("recording a section", () => this.#sections.record(event), undefined);
  }

  startChild({ name, attributes = {}, startedAt }: ChildOptions): StageSpan {
    return this.#startSpan({ role: "child", name, attributes, startedAt }, this.#functionDepth);
  }

  startFunction(options: FunctionOptions): StageSpan {
    return this.#startSpan(functionNode(options, this.#functionDepth), this.#functionDepth + 1);
  }

  end(outcome: SpanOutcome): void {
    this.#context.spans.guard.run("ending a span", () => this.#own?.end(outcome), undefined);
  }

  #startSpan(node: NewNode, functionDepth: number): StageSpan {
    const open = () =>
      new TracedSpan(this.#context, { own: this.#nearest.open(node), parent: this.#nearest, functionDepth });
    return this.#context.spans.guard.run("opening a span", open, untracedSpan);
  }

  #openSection({ name, unixSeconds, collapsed }: SectionOptions, parent: LeafSpan | undefined): LeafSpan {
    if (!this.#context.policy.sectionSpans) return untracedLeaf;
    const attributes = { "ci.section.name": name, "ci.section.collapsed": collapsed };
    const node: NewNode = {
      role: "section",
      name: "section",
      attributes,
      startedAt: markerTime(unixSeconds, this.#now()),
    };
    return this.#openLeaf(node, parent instanceof TracedLeaf ? parent.node : this.#nearest);
  }

  #openLeaf(node: NewNode, parent: SpanNode): LeafSpan {
    const opened = parent.open(node);
    return opened === undefined ? untracedLeaf : new TracedLeaf(opened, this.#context.spans.guard);
  }

  #now(): UnixNano {
    return this.#context.spans.timeline.now();
  }
}

/** How a function's span begins. `depth`: 0 for a step of the job. Rule: telemetry.md §2, "CI Function". */
export function functionNode(options: FunctionOptions, depth: number): NewNode {
  const attributes = {
    ...options.attributes,
    "ci.function.name": options.functionName,
    "ci.function.version": options.version,
    "ci.function.type": options.type,
    "ci.function.depth": depth,
  };
  return { role: "function", name: options.name, attributes, startedAt: options.startedAt };
}

/** The span of a command or a section. */
class TracedLeaf implements LeafSpan {
  readonly node: SpanNode;
  readonly #guard: FaultGuard;

  constructor(node: SpanNode, guard: FaultGuard) {
    this.node = node;
    this.#guard = guard;
  }

  get spanId(): string {
    return this.node.context.spanId;
  }

  end(outcome: SpanOutcome = { status: "success" }): void {
    this.#guard.run("ending a span", () => this.node.end(outcome), undefined);
  }

  /** Ends a section whose marker said when. */
  endAt(at: UnixNano): void {
    this.node.end({ status: "success" }, { at });
  }
}
