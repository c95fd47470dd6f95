import type { ReadableSpan, Span, SpanProcessor } from "@opentelemetry/sdk-trace";
import { viewOfLiveSpan } from "../view/live-span.ts";
import type { ViewSpan } from "../view/view-span.ts";

/** Beyond this a view has more lines than anybody reads; later spans are counted, not kept. */
const maxSpans = 50_000;

/**
 * The spans of this process as they begin and end, for the terminal view and `--out`. Never throws into whoever makes
 * the spans; `onChange` is called after each change and must be quick.
 */
export class LiveSpans implements SpanProcessor {
  readonly #open = new Map<string, ReadableSpan>();
  readonly #ended = new Map<string, ReadableSpan>();
  readonly #endedViews = new Map<string, ViewSpan>();
  readonly #onChange: () => void;
  #droppedSpans = 0;

  constructor(onChange: () => void = () => undefined) {
    this.#onChange = onChange;
  }

  /** How many spans came after the limit was reached. */
  get droppedSpans(): number {
    return this.#droppedSpans;
  }

  /** All spans so far, ended ones first. */
  views(): ViewSpan[] {
    return [...this.#endedViews.values(), ...[...this.#open.values()].map(viewOfLiveSpan)];
  }

  /** Spans that have ended, by their end. */
  ended(): ReadableSpan[] {
    return [...this.#ended.values()];
  }

  onStart(span: Span): void {
    if (this.#open.size + this.#ended.size >= maxSpans) {
      this.#droppedSpans += 1;
      return;
    }
    this.#open.set(span.spanContext().spanId, span);
    this.#onChange();
  }

  onEnd(span: ReadableSpan): void {
    const { spanId } = span.spanContext();
    if (!this.#open.delete(spanId)) return;
    this.#ended.set(spanId, span);
    this.#endedViews.set(spanId, viewOfLiveSpan(span));
    this.#onChange();
  }

  async forceFlush(): Promise<void> {}

  async shutdown(): Promise<void> {}
}
