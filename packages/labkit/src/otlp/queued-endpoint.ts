import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import type { TokenSource } from "../auth/token-source.ts";
import type { Log } from "../logging/log.ts";
import { type Breaker, createBreaker } from "./breaker.ts";
import type { DropReason, EndpointStats, FlushOutcome, SpanPriority, TelemetryEndpoint } from "./endpoint.ts";
import { createEndpointCounters } from "./endpoint-counters.ts";
import type { ExportBatch } from "./export-batch.ts";
import type { ExportOutcome } from "./export-outcome.ts";
import type { EndpointLimits } from "./limits.ts";
import { createOutageLog } from "./outage-log.ts";
import { Outbox } from "./outbox.ts";
import { createSender } from "./send-with-credentials.ts";
import type { SpanSpool } from "./spool/span-spool.ts";
import type { Transport } from "./transport.ts";

export interface QueuedEndpointDeps {
  readonly name: string;
  readonly url: URL;
  readonly transport: Transport;
  readonly tokenSource: TokenSource | undefined;
  readonly limits: EndpointLimits;
  readonly priorityOf: (span: ReadableSpan) => SpanPriority;
  readonly log: Log;
  /** Makes the endpoint's spool; without it, spans are in memory only. */
  readonly openSpool?: (events: {
    dropped: (reason: DropReason, spans: number) => void;
    changed: () => void;
  }) => SpanSpool;
}

/**
 * A `TelemetryEndpoint` over a transport: decides when a request goes out, and what its outcome means for the next.
 *
 * Spans wait in the outbox until the coalescing window is over or a request is full; up to `maxConcurrentRequests` are
 * under way. After a failure the breaker says when one may be sent again. All work happens in `#pump`, which starts at most
 * one request a turn of the event loop, so that encoding never blocks it for long.
 */
export class QueuedEndpoint implements TelemetryEndpoint, AsyncDisposable {
  readonly name: string;
  readonly #deps: QueuedEndpointDeps;
  readonly #limits: EndpointLimits;
  readonly #outbox: Outbox;
  readonly #breaker: Breaker;
  readonly #counters = createEndpointCounters();
  readonly #outage;
  readonly #send;
  readonly #closing = new AbortController();
  readonly #inFlight = new Map<ExportBatch, Promise<void>>();
  #timer: { at: number; handle: NodeJS.Timeout } | undefined;
  #isPumpScheduled = false;
  readonly #flushes = new Set<() => void>();

  constructor(deps: QueuedEndpointDeps) {
    this.name = deps.name;
    this.#deps = deps;
    this.#limits = deps.limits;
    this.#breaker = createBreaker({ ...deps.limits, random: Math.random });
    this.#outage = createOutageLog(deps.log);
    this.#send = createSender(deps);
    const events = {
      dropped: (reason: DropReason, spans: number, why?: string) => this.#dropped(reason, spans, why),
      changed: () => this.#workChanged(performance.now()),
    };
    this.#outbox = new Outbox({ ...deps, ...events, spool: deps.openSpool?.(events) });
  }

  /** Nothing is queued or under way. */
  get isIdle(): boolean {
    return this.#inFlight.size === 0 && this.#outbox.isEmpty;
  }

  /** Idle, and no span that has begun waits in the spool for its end. */
  get isUnused(): boolean {
    return this.isIdle && !this.#outbox.hasOpenSpans;
  }

  /** Was disposed of: spans are counted as dropped, nothing else happens. */
  get isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  enqueue(span: ReadableSpan): void {
    try {
      const nowMs = performance.now();
      const closed = this.#closedFor(nowMs);
      if (closed !== undefined) {
        this.#dropped(closed, 1);
        this.#outbox.forgetOpen(span);
        return;
      }
      this.#outbox.add(span, nowMs);
      this.#schedule(nowMs);
    } catch (error) {
      // A span of another making, or a `priorityOf` that throws: this must not reach the code that ended the span.
      this.#dropped("unencodable", 1, error instanceof Error ? error.message : undefined);
    }
  }

  spanStarted(span: ReadableSpan): void {
    if (!this.#closing.signal.aborted) this.#outbox.noteOpen(span);
  }

  async flush({ signal }: { signal: AbortSignal }): Promise<FlushOutcome> {
    const nowMs = performance.now();
    this.#breaker.hurry(nowMs, 0);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#flushes.add(resolve);
    signal.addEventListener("abort", () => resolve(), { once: true });
    if (this.isIdle || signal.aborted || this.#closing.signal.aborted) resolve();
    this.#rearm(nowMs);
    await promise;
    this.#flushes.delete(resolve);
    this.#rearm(performance.now());
    return this.isIdle ? { kind: "flushed" } : { kind: "left", spans: this.#unsentSpans() };
  }

  stats(): EndpointStats {
    return {
      endpoint: this.name,
      ...this.#counters.read(),
      queuedSpans: this.#outbox.queuedSpans,
      queuedBytes: this.#outbox.queuedBytes,
      inFlightSpans: this.#outbox.waitingSpans + this.#spansUnderWay(),
      spool: this.#outbox.spoolStats,
      breaker: this.#breaker.state,
    };
  }

  /** Cancels what is under way, leaves what is unsent to the spool or counts it as dropped, and closes the connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    if (this.#timer !== undefined) clearTimeout(this.#timer.handle);
    await Promise.all(this.#inFlight.values());
    await this.#outbox.close();
    this.#endFlushes();
    await this.#deps.transport.close();
  }

  #closedFor(nowMs: number): DropReason | undefined {
    if (this.#closing.signal.aborted) return "shutdown";
    const isRefused = this.#breaker.state === "unauthorized" && nowMs < this.#breaker.notBeforeMs;
    return isRefused ? "unauthorized" : undefined;
  }

  #unsentSpans(): number {
    const { waitingSpans, queuedSpans, spoolStats } = this.#outbox;
    return queuedSpans + waitingSpans + this.#spansUnderWay() + (spoolStats?.backlogSpans ?? 0);
  }

  #spansUnderWay(): number {
    return [...this.#inFlight.keys()].reduce((sum, batch) => sum + batch.items.length, 0);
  }

  #schedule(nowMs: number): void {
    if (this.#closing.signal.aborted || this.#inFlight.size >= this.#limits.maxConcurrentRequests) return;
    if (this.#breaker.state === "closed") this.#outbox.refill();
    const dueMs = Math.max(this.#dueMs(), this.#breaker.state === "closed" ? 0 : this.#breaker.notBeforeMs);
    if (dueMs === Number.POSITIVE_INFINITY || this.#breaker.state === "half-open") return;
    if (dueMs <= nowMs) this.#schedulePump();
    else this.#arm(dueMs, nowMs);
  }

  #dueMs(): number {
    return this.#outbox.dueMs({ isHurried: this.#flushes.size > 0 });
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
      const batch = this.#outbox.next(nowMs);
      if (batch === undefined) this.#breaker.succeeded();
      else this.#inFlight.set(batch, this.#export(batch));
    }
    this.#workChanged(nowMs);
  }

  async #export(batch: ExportBatch): Promise<void> {
    const startedAtMs = performance.now();
    const outcome = await this.#send(batch.request, this.#closing.signal);
    const nowMs = performance.now();
    this.#counters.answered(nowMs - startedAtMs);
    this.#inFlight.delete(batch);
    this.#settle(batch, outcome, nowMs);
    this.#workChanged(nowMs);
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
        this.#outbox.drop("unauthorized", batch.items, outcome.why);
        this.#outbox.dropAll("unauthorized", outcome.why);
        break;
      case "refused":
        this.#breaker.succeeded();
        this.#outbox.drop("refused", batch.items, outcome.why);
        break;
    }
  }

  #settleAccepted(batch: ExportBatch, outcome: ExportOutcome & { kind: "accepted" }): void {
    const rejected = Math.min(outcome.rejectedSpans, batch.items.length);
    this.#outbox.settle(batch);
    this.#counters.exported(batch.items.length - rejected);
    if (rejected === 0) this.#outage.recovered();
    else this.#dropped("partial_success", rejected, outcome.why);
  }

  #settleTryLater(batch: ExportBatch, why: string, nowMs: number): void {
    if (nowMs - batch.createdAtMs > this.#limits.maxAgeMs) {
      this.#outbox.expire(batch, why);
      return;
    }
    this.#outbox.putBack(batch);
    // Our own cancelling is no trouble of the endpoint's.
    if (this.#closing.signal.aborted) return;
    this.#counters.retried();
    this.#outage.failed(why);
  }

  #settleTooLarge(batch: ExportBatch, why: string): void {
    if (batch.items.length === 1) {
      this.#outbox.drop("refused", batch.items, why);
      return;
    }
    this.#outbox.putBackHalves(batch);
    this.#counters.retried();
  }

  #dropped(reason: DropReason, spans: number, why?: string): void {
    this.#counters.dropped(reason, spans);
    this.#outage.dropped(reason, spans, why);
  }

  #workChanged(nowMs: number): void {
    if (this.isIdle) this.#endFlushes();
    this.#schedule(nowMs);
  }

  #endFlushes(): void {
    for (const resolve of this.#flushes) resolve();
  }
}
