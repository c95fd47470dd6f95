import {
  type Attributes,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  type SpanKind,
  TraceFlags,
  type Tracer,
  type TraceState,
  trace,
} from "@opentelemetry/api";
import type { Resource } from "@opentelemetry/resources";
import { AlwaysOnSampler, type SpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import {
  ATTR_EXCEPTION_MESSAGE,
  ATTR_EXCEPTION_STACKTRACE,
  ATTR_EXCEPTION_TYPE,
} from "@opentelemetry/semantic-conventions";
import type { SpanAttributes } from "../attributes.ts";
import type { UnixNano } from "../clock.ts";
import type { SpanRole } from "./span-budget.ts";
import { errorClass, type SpanEnding } from "./span-ending.ts";
import { placeSpan } from "./span-priority.ts";
import type { SpanValues } from "./span-values.ts";

/** Source: telemetry.md §2. */
const scopeName = "gitlab-ci-runner";

/** What a span begins with; its texts are not yet masked. */
export interface NewSpan {
  readonly role: SpanRole;
  /** How many spans are above it. */
  readonly depth: number;
  readonly name: string;
  /** Decides the span's id, given its name as it will be seen. */
  readonly spanIdOf: (visibleName: string) => string;
  /** Undefined: a root span of the trace. */
  readonly parent: SpanContext | undefined;
  readonly kind: SpanKind;
  readonly startedAt: UnixNano;
  readonly attributes: SpanAttributes;
  readonly links: readonly SpanContext[];
}

export interface SpanWriterOptions {
  readonly traceId: string;
  readonly traceState: TraceState | undefined;
  readonly resource: Resource;
  readonly scopeVersion: string;
  readonly spanProcessors: SpanProcessor[];
  readonly values: SpanValues;
  /** On every span. */
  readonly identity: SpanAttributes;
}

/**
 * Writes one job's spans with the OpenTelemetry SDK. Nothing else of this package hands anything to the SDK, so that no
 * text gets there unmasked; and no id is random: the SDK asks for the ids that were decided for the next span.
 */
export class SpanWriter {
  readonly #options: SpanWriterOptions;
  readonly #tracer: Tracer;
  /** Masked once per job: it is on every span. */
  readonly #identity: Attributes;
  #nextSpanId = "";

  constructor(options: SpanWriterOptions) {
    this.#options = options;
    this.#identity = options.values.attributes(options.identity);
    const provider = new TracerProvider({
      resource: options.resource,
      sampler: new AlwaysOnSampler(),
      idGenerator: { generateTraceId: () => options.traceId, generateSpanId: () => this.#nextSpanId },
      spanProcessors: options.spanProcessors,
    });
    this.#tracer = provider.getTracer(scopeName, options.scopeVersion);
  }

  open(span: NewSpan): WrittenSpan {
    const { values, traceState } = this.#options;
    const name = values.text(span.name) || "unnamed";
    this.#nextSpanId = span.spanIdOf(name);
    const options = {
      kind: span.kind,
      startTime: hrTime(span.startedAt),
      attributes: { ...this.#identity, ...values.attributes(span.attributes) },
      links: span.links.map((context) => ({ context })),
    };
    const context = span.parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, span.parent);
    const sdkSpan = this.#tracer.startSpan(name, options, context);
    placeSpan(sdkSpan, span);
    return new WrittenSpan(sdkSpan, { ...sdkSpan.spanContext(), ...(traceState && { traceState }) }, name, values);
  }

  /** The span of another process that is the parent of ours. */
  remoteParent(spanId: string): SpanContext {
    const { traceId, traceState } = this.#options;
    return { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true, ...(traceState && { traceState }) };
  }
}

/** A span that has begun. */
export class WrittenSpan {
  readonly context: SpanContext;
  readonly name: string;
  readonly #span: Span;
  readonly #values: SpanValues;

  constructor(span: Span, context: SpanContext, name: string, values: SpanValues) {
    this.#span = span;
    this.context = context;
    this.name = name;
    this.#values = values;
  }

  setAttributes(attributes: SpanAttributes): void {
    this.#span.setAttributes(this.#values.attributes(attributes));
  }

  /** Gives the span its status, and an event for an error of our own. */
  setEnding(ending: SpanEnding, at: UnixNano): void {
    this.setAttributes(ending.attributes);
    if (ending.error !== undefined) this.#addException(ending.error, at);
    const message = ending.message === undefined ? {} : { message: this.#values.text(ending.message) };
    this.#span.setStatus({ code: ending.code, ...message });
  }

  end(at: UnixNano): void {
    this.#span.end(hrTime(at));
  }

  #addException(error: Error, at: UnixNano): void {
    const event = {
      [ATTR_EXCEPTION_TYPE]: this.#values.text(errorClass(error)),
      [ATTR_EXCEPTION_MESSAGE]: this.#values.text(error.message),
      ...(error.stack !== undefined && { [ATTR_EXCEPTION_STACKTRACE]: this.#values.text(error.stack) }),
    };
    this.#span.addEvent("exception", event, hrTime(at));
  }
}

function hrTime(at: UnixNano): [number, number] {
  return [Number(at / 1_000_000_000n), Number(at % 1_000_000_000n)];
}
