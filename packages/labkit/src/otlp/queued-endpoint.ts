import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import type { TokenSource } from "../auth/token-source.ts";
import type { Log } from "../logging/log.ts";
import { type Breaker, createBreaker } from "./breaker.ts";
import type { DropReason, EndpointStats, FlushOutcome, SpanPriority, TelemetryEndpoint } from "./endpoint.ts";
import { createEndpointCounters } from "./endpoint-counters.ts";
import { type ExportBatch, encodeBatch } from "./export-batch.ts";
import type { ExportOutcome } from "./export-outcome.ts";
import type { EndpointLimits } from "./limits.ts";
import { createOutageLog } from "./outage-log.ts";
import { createSender } from "./send-with-credentials.ts";
import { createSpanQueue } from "./span-queue.ts";
import { estimateSpanBytes } from "./span-size.ts";
import type { Transport } from "./transport.ts";

export interface QueuedEndpointDeps {
  readonly name: string;
  readonly url: URL;
  readonly transport: Transport;
  readonly tokenSource: TokenSource | undefined;
  readonly limits: EndpointLimits;
  readonly priorityOf: (span: ReadableSpan) => SpanPriority;
  readonly log: Log;
}

/**
 * A `TelemetryEndpoint` over a transport.
 *
 * Spans wait in a queue until the coalescing window is over or a request is full; up to `maxConcurrentRequests` are under
 * way. After a failure the request waits in `#waiting` and the breaker says when one may be sent again. All work happens
 * in `#pump`, which starts at most one request a turn of the event loop, so that encoding never blocks it for long.
 */
export class QueuedEndpoint implements TelemetryEndpoint, AsyncDisposable {
  readonly name: string;
  readonly #deps: QueuedEndpointDeps;
  readonly #limits: EndpointLimits;
  readonly #queue;
  readonly #breaker: Breaker;
  readonly #counters = createEndpointCounters();
  readonly #outage;
  readonly #send;
  readonly #closing = new AbortController();
  /** Requests that failed and are to be sent again, oldest first. */
  #waiting: ExportBatch[] = [];
  readonly #inFlight = new Map<ExportBatch, Promise<void>>();
  /** When the oldest queued span has waited long enough. Monotonic clock. */
  #coalesceUntilMs = 0;
  #timer: { at: number; handle: NodeJS.Timeout } | undefined;
  #isPumpScheduled = false;
  readonly #flushes = new Set<() => void>();

  constructor(deps: QueuedEndpointDeps) {
    this.name = deps.name;
    this.#deps = deps;
    this.#limits = deps.limits;
    this.#queue = createSpanQueue(deps.limits);
    this.#breaker = createBreaker({ ...deps.limits, random: Math.random });
    this.#outage = createOutageLog(deps.log);
    this.#send = createSender(deps);
  }

  /** Nothing is queued or under way. */
  get isIdle(): boolean {
    return this.#unsent() === 0;
  }

  enqueue(span: ReadableSpan): void {
    try {
      const nowMs = performance.now();
      const closed = this.#closedFor(nowMs);
      if (closed === undefined) this.#add(span, nowMs);
      else this.#drop(closed, 1);
    } catch (error) {
      // A span of another making, or a `priorityOf` that throws: this must not reach the code that ended the span.
      this.#drop("unencodable", 1, error instanceof Error ? error.message : undefined);
    }
  }

  async flush({ signal }: { signal: AbortSignal }): Promise<FlushOutcome> {
    const nowMs = performance.now();
    this.#breaker.hurry(nowMs, 0);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#flushes.add(resolve);
    signal.addEventListener("abort", () => resolve());
    if (this.isIdle || signal.aborted || this.#closing.signal.aborted) resolve();
    this.#rearm(nowMs);
    await promise;
    this.#flushes.delete(resolve);
    this.#rearm(performance.now());
    const spans = this.#unsent();
    return spans === 0 ? { kind: "flushed" } : { kind: "left", spans };
  }

  stats(): EndpointStats {
    return {
      endpoint: this.name,
      ...this.#counters.read(),
      queuedSpans: this.#queue.length,
      queuedBytes: this.#queue.bytes,
      inFlightSpans: this.#unsent() - this.#queue.length,
      breaker: this.#breaker.state,
    };
  }

  /** Cancels what is under way, counts what is unsent as dropped and closes the connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    if (this.#timer !== undefined) clearTimeout(this.#timer.handle);
    await Promise.all(this.#inFlight.values());
    this.#drop("shutdown", this.#clear());
    this.#endFlushes();
    await this.#deps.transport.close();
  }

  #closedFor(nowMs: number): DropReason | undefined {
    if (this.#closing.signal.aborted) return "shutdown";
    const isRefused = this.#breaker.state === "unauthorized" && nowMs < this.#breaker.notBeforeMs;
    return isRefused ? "unauthorized" : undefined;
  }

  #add(span: ReadableSpan, nowMs: number): void {
    const options = { bytes: estimateSpanBytes(span), priority: this.#deps.priorityOf(span) };
    if (this.#queue.length === 0) this.#coalesceUntilMs = nowMs + this.#limits.coalesceMs;
    this.#drop("queue_full", this.#queue.add(span, options));
    this.#schedule(nowMs);
  }

  #unsent(): number {
    return this.#queue.length + spansIn(this.#waiting) + spansIn(this.#inFlight.keys());
  }

  #schedule(nowMs: number): void {
    if (this.#closing.signal.aborted || this.#inFlight.size >= this.#limits.maxConcurrentRequests) return;
    const dueMs = Math.max(this.#dueMs(), this.#breaker.state === "closed" ? 0 : this.#breaker.notBeforeMs);
    if (dueMs === Number.POSITIVE_INFINITY || this.#breaker.state === "half-open") return;
    if (dueMs <= nowMs) this.#schedulePump();
    else this.#arm(dueMs, nowMs);
  }

  /** When there is something to send, whether or not the breaker lets it. */
  #dueMs(): number {
    if (this.#waiting.length > 0) return 0;
    if (this.#queue.length === 0) return Number.POSITIVE_INFINITY;
    const { maxBatchSpans, maxBatchBytes } = this.#limits;
    const isFull = this.#queue.length >= maxBatchSpans || this.#queue.bytes >= maxBatchBytes;
    return isFull || this.#flushes.size > 0 ? 0 : this.#coalesceUntilMs;
  }

  #schedulePump(): void {
    if (this.#isPumpScheduled) return;
    this.#isPumpScheduled = true;
    setImmediate(() => {
      this.#isPumpScheduled = false;
      this.#pump();
    });
  }

  #arm(dueMs: number, nowMs: number): void {
    if (this.#timer !== undefined && this.#timer.at <= dueMs) return;
    if (this.#timer !== undefined) clearTimeout(this.#timer.handle);
    const handle = setTimeout(
      () => {
        this.#timer = undefined;
        this.#schedule(performance.now());
      },
      Math.ceil(dueMs - nowMs),
    );
    // Only somebody who waits for a flush keeps the process alive for it.
    if (this.#flushes.size === 0) handle.unref();
    this.#timer = { at: dueMs, handle };
  }

  #rearm(nowMs: number): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer.handle);
    this.#timer = undefined;
    this.#schedule(nowMs);
  }

  #pump(): void {
    const nowMs = performance.now();
    const isFree = !this.#closing.signal.aborted && this.#inFlight.size < this.#limits.maxConcurrentRequests;
    if (isFree && this.#dueMs() <= nowMs && this.#breaker.tryStart(nowMs)) {
      const batch = this.#waiting.shift() ?? this.#takeBatch(nowMs);
      if (batch === undefined) this.#breaker.succeeded();
      else this.#inFlight.set(batch, this.#export(batch));
    }
    this.#schedule(nowMs);
  }

  #takeBatch(nowMs: number): ExportBatch | undefined {
    const taken = this.#queue.take({ maxSpans: this.#limits.maxBatchSpans, maxBytes: this.#limits.maxBatchBytes });
    return this.#encode(
      taken.map(({ span }) => span),
      nowMs,
    );
  }

  #encode(spans: readonly ReadableSpan[], createdAtMs: number): ExportBatch | undefined {
    const { batch, unencodable } = encodeBatch(spans, createdAtMs);
    this.#drop("unencodable", unencodable);
    return batch;
  }

  async #export(batch: ExportBatch): Promise<void> {
    const startedAtMs = performance.now();
    const outcome = await this.#send(batch.request, this.#closing.signal);
    const nowMs = performance.now();
    this.#counters.answered(nowMs - startedAtMs);
    this.#inFlight.delete(batch);
    this.#settle(batch, outcome, nowMs);
    if (this.isIdle) this.#endFlushes();
    this.#schedule(nowMs);
  }

  #settle(batch: ExportBatch, outcome: ExportOutcome, nowMs: number): void {
    if (outcome.kind !== "accepted") this.#counters.failed(outcome.why);
    switch (outcome.kind) {
      case "accepted":
        this.#breaker.succeeded();
        this.#settleAccepted(batch, outcome);
        break;
      case "try-later":
        this.#breaker.failed(nowMs, outcome.retryAfterMs);
        if (this.#flushes.size > 0) this.#breaker.hurry(nowMs, this.#limits.initialBackoffMs);
        this.#settleTryLater(batch, outcome.why, nowMs);
        break;
      case "too-large":
        this.#breaker.succeeded();
        this.#settleTooLarge(batch, outcome.why);
        break;
      case "unauthorized":
        this.#breaker.unauthorized(nowMs);
        this.#drop("unauthorized", batch.spans.length + this.#clear(), outcome.why);
        break;
      case "refused":
        this.#breaker.succeeded();
        this.#drop("refused", batch.spans.length, outcome.why);
        break;
    }
  }

  #settleAccepted(batch: ExportBatch, outcome: ExportOutcome & { kind: "accepted" }): void {
    const rejected = Math.min(outcome.rejectedSpans, batch.spans.length);
    this.#counters.exported(batch.spans.length - rejected);
    if (rejected === 0) this.#outage.recovered();
    else this.#drop("partial_success", rejected, outcome.why);
  }

  #settleTryLater(batch: ExportBatch, why: string, nowMs: number): void {
    if (nowMs - batch.createdAtMs > this.#limits.maxAgeMs) {
      this.#drop("expired", batch.spans.length, why);
      return;
    }
    this.#waiting.push(batch);
    // Our own cancelling is no trouble of the endpoint's.
    if (this.#closing.signal.aborted) return;
    this.#counters.retried();
    this.#outage.failed(why);
  }

  #settleTooLarge(batch: ExportBatch, why: string): void {
    if (batch.spans.length === 1) {
      this.#drop("refused", 1, why);
      return;
    }
    const middle = Math.ceil(batch.spans.length / 2);
    for (const half of [batch.spans.slice(0, middle), batch.spans.slice(middle)]) {
      const encoded = this.#encode(half, batch.createdAtMs);
      if (encoded !== undefined) this.#waiting.push(encoded);
    }
    this.#counters.retried();
  }

  /** Forgets all that is not under way; returns how many spans that were. */
  #clear(): number {
    const spans = this.#queue.clear() + spansIn(this.#waiting);
    this.#waiting = [];
    return spans;
  }

  #drop(reason: DropReason, spans: number, why?: string): void {
    if (spans === 0) return;
    this.#counters.dropped(reason, spans);
    if (reason !== "shutdown") this.#outage.dropped(reason, spans, why);
    else this.#deps.log.warn("telemetry spans dropped", { reason, spans });
  }

  #endFlushes(): void {
    for (const resolve of this.#flushes) resolve();
  }
}

function spansIn(batches: Iterable<ExportBatch>): number {
  let spans = 0;
  for (const batch of batches) spans += batch.spans.length;
  return spans;
}
