import { setTimeout as delay } from "node:timers/promises";
import { createCollectorClient, type TraceReader } from "@jobscope/collector/client";
import { apiOf, type CollectorProcess } from "../local-ci/collector-process.ts";
import { viewOfStoredSpan } from "../view/stored-span.ts";
import type { ViewSpan } from "../view/view-span.ts";

const pollIntervalMs = 500;

/**
 * The spans of a pipeline whose jobs run in other processes, read from the store again and again while it runs. A question
 * that fails is asked again; until then the spans known before are shown.
 */
export class StoredSpans implements AsyncDisposable {
  readonly #client: TraceReader;
  readonly #traceId: string;
  readonly #stopping = new AbortController();
  readonly #polling: Promise<void>;
  #views: readonly ViewSpan[] = [];

  constructor(collector: CollectorProcess, traceId: string) {
    this.#client = createCollectorClient(apiOf(collector));
    this.#traceId = traceId;
    this.#polling = this.#poll();
  }

  views(): readonly ViewSpan[] {
    return this.#views;
  }

  /** Resolves when the pipeline's own span is stored and no more spans have come for a while, or the signal aborts. */
  async complete(signal: AbortSignal): Promise<void> {
    for (let before = -1; !signal.aborted; before = this.#views.length) {
      const isWhole = this.#views.some((span) => span.name === "pipeline" && span.endUnixNano !== undefined);
      if (isWhole && this.#views.length === before) return;
      await delay(pollIntervalMs);
      await this.#ask();
    }
  }

  async #poll(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      await this.#ask();
      await delay(pollIntervalMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
    }
  }

  async #ask(): Promise<void> {
    const trace = await this.#client.getTrace(this.#traceId).catch(() => undefined);
    if (trace !== undefined) this.#views = trace.spans.map(viewOfStoredSpan);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#polling;
    await this.#client[Symbol.asyncDispose]();
  }
}
