import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import type { DropReason, SpanPriority, SpoolStats } from "./endpoint.ts";
import { type BatchItem, type ExportBatch, encodeBatch, encodeSpan } from "./export-batch.ts";
import type { EndpointLimits } from "./limits.ts";
import { createSpanQueue } from "./span-queue.ts";
import { estimateSpanBytes } from "./span-size.ts";
import type { SpanSpool } from "./spool/span-spool.ts";
import type { SpoolTicket } from "./spool/spool-ticket.ts";

export interface OutboxDeps {
  readonly limits: EndpointLimits;
  readonly priorityOf: (span: ReadableSpan) => SpanPriority;
  readonly spool: SpanSpool | undefined;
  readonly dropped: (reason: DropReason, spans: number, why?: string) => void;
  /** Told when there is more to send: a part of the spool's backlog was read. */
  readonly changed: () => void;
}

/** Spans that began and did not end for so many others are not kept track of. */
const maxOpenSpans = 50_000;

/**
 * What one endpoint has to send, and what has become of it: spans in the queue, requests that are to be sent again, and
 * the backlog of the spool, of which one request's worth is read whenever nothing else waits. Every span that enters ends
 * in exactly one of: accepted, dropped and counted, or left on disk.
 */
export class Outbox {
  readonly #deps: OutboxDeps;
  readonly #queue;
  /** Requests that are encoded and to be sent (again), oldest first. */
  #waiting: ExportBatch[] = [];
  /** When the oldest queued span has waited long enough. Monotonic clock. */
  #coalesceUntilMs = 0;
  #isReading = false;
  /** Spans that have begun, by their ids. */
  readonly #openTickets = new Map<string, SpoolTicket>();

  constructor(deps: OutboxDeps) {
    this.#deps = deps;
    this.#queue = createSpanQueue(deps.limits);
  }

  get queuedSpans(): number {
    return this.#queue.length;
  }

  get queuedBytes(): number {
    return this.#queue.bytes;
  }

  get waitingSpans(): number {
    return this.#waiting.reduce((sum, batch) => sum + batch.items.length, 0);
  }

  get spoolStats(): SpoolStats | undefined {
    return this.#deps.spool?.stats;
  }

  get hasOpenSpans(): boolean {
    return this.#openTickets.size > 0;
  }

  /** Nothing is to be sent, now or once the spool was read. */
  get isEmpty(): boolean {
    const { spool } = this.#deps;
    const isSpoolDone = spool === undefined || (spool.isOpen && spool.backlogSpans === 0 && !this.#isReading);
    return this.#queue.length === 0 && this.#waiting.length === 0 && isSpoolDone;
  }

  /** Notes a span that has begun, on disk only. */
  noteOpen(span: ReadableSpan): void {
    const { spool } = this.#deps;
    if (spool === undefined || this.#openTickets.size >= maxOpenSpans) return;
    this.#openTickets.set(
      keyOf(span),
      spool.addOpen(() => encodeSpan(span)),
    );
  }

  /** A span that has ended and is not taken: what was noted when it began must not be taken for a crash. */
  forgetOpen(span: ReadableSpan): void {
    const key = keyOf(span);
    const ticket = this.#openTickets.get(key);
    this.#openTickets.delete(key);
    if (ticket !== undefined) this.#deps.spool?.settle(ticket);
  }

  add(span: ReadableSpan, nowMs: number): void {
    const sized = { span, bytes: estimateSpanBytes(span), priority: this.#deps.priorityOf(span) };
    const ticket = this.#store(span);
    if (this.#queue.length === 0) this.#coalesceUntilMs = nowMs + this.#deps.limits.coalesceMs;
    const lost = this.#queue.add({ ...sized, ticket }).filter((givenUp) => !this.#isLeftToDisk(givenUp.ticket));
    if (lost.length > 0) this.drop("queue_full", lost);
  }

  /** When there is something to send; infinity for nothing. */
  dueMs({ isHurried }: { isHurried: boolean }): number {
    if (this.#waiting.length > 0) return 0;
    if (this.#queue.length === 0) return Number.POSITIVE_INFINITY;
    const { maxBatchSpans, maxBatchBytes } = this.#deps.limits;
    const isFull = this.#queue.length >= maxBatchSpans || this.#queue.bytes >= maxBatchBytes;
    return isFull || isHurried ? 0 : this.#coalesceUntilMs;
  }

  /** The next request; it is the caller's until one of the calls below ends it. */
  next(nowMs: number): ExportBatch | undefined {
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) return waiting;
    const { maxBatchSpans: maxSpans, maxBatchBytes: maxBytes } = this.#deps.limits;
    const taken = this.#queue.take({ maxSpans, maxBytes });
    return this.#encode(
      taken.map(({ span, ticket }) => ({ kind: "live", span, ticket })),
      nowMs,
    );
  }

  /** Reads a part of the spool's backlog, when there is one and nothing else waits. */
  refill(): void {
    const { spool, limits } = this.#deps;
    const isBusy = this.#isReading || this.#waiting.length > 0 || this.#queue.length >= limits.maxBatchSpans;
    if (spool === undefined || spool.readableSpans === 0 || isBusy) return;
    this.#isReading = true;
    const bounds = { maxSpans: limits.maxBatchSpans, maxBytes: limits.maxBatchBytes };
    void spool.takeBacklog(bounds).then((recovered) => {
      this.#isReading = false;
      const batch = this.#encode(
        recovered.map(({ payload, ticket }) => ({ kind: "stored", payload, ticket })),
        performance.now(),
      );
      if (batch !== undefined) this.#waiting.push(batch);
      this.#deps.changed();
    });
  }

  /** The request is to be sent again. */
  putBack(batch: ExportBatch): void {
    this.#waiting.push(batch);
  }

  /** The request is to be sent again, in two. */
  putBackHalves(batch: ExportBatch): void {
    const middle = Math.ceil(batch.items.length / 2);
    for (const half of [batch.items.slice(0, middle), batch.items.slice(middle)]) {
      const encoded = this.#encode(half, batch.createdAtMs);
      if (encoded !== undefined) this.#waiting.push(encoded);
    }
  }

  /** The request was accepted. */
  settle(batch: ExportBatch): void {
    this.#settleAll(batch.items);
  }

  /** Gives spans up, on disk too. */
  drop(reason: DropReason, items: readonly { readonly ticket: SpoolTicket | undefined }[], why?: string): void {
    this.#settleAll(items);
    if (items.length > 0) this.#deps.dropped(reason, items.length, why);
  }

  /** Could not be delivered for too long: what is on disk stays there for its own time, the rest is dropped. */
  expire(batch: ExportBatch, why: string): void {
    this.drop(
      "expired",
      batch.items.filter(({ ticket }) => !this.#isLeftToDisk(ticket)),
      why,
    );
  }

  /** Gives up all that is in memory. */
  dropAll(reason: DropReason, why: string): void {
    this.drop(reason, this.#takeAll(), why);
  }

  /** Writes to the spool what it lacks; what is not on disk then is dropped. Nothing may be added afterwards. */
  async close(): Promise<void> {
    await this.#deps.spool?.[Symbol.asyncDispose]();
    this.drop(
      "shutdown",
      this.#takeAll().filter(({ ticket }) => !this.#isLeftToDisk(ticket)),
    );
  }

  #store(span: ReadableSpan): SpoolTicket | undefined {
    const { spool } = this.#deps;
    if (spool === undefined) return undefined;
    const key = keyOf(span);
    const closes = this.#openTickets.get(key);
    this.#openTickets.delete(key);
    return spool.add(() => encodeSpan(span), closes);
  }

  #takeAll(): readonly { readonly ticket: SpoolTicket | undefined }[] {
    const all = [...this.#waiting.flatMap((batch) => batch.items), ...this.#queue.clear()];
    this.#waiting = [];
    return all;
  }

  #isLeftToDisk(ticket: SpoolTicket | undefined): boolean {
    return ticket !== undefined && this.#deps.spool?.leaveToDisk(ticket) === true;
  }

  #settleAll(items: readonly { readonly ticket: SpoolTicket | undefined }[]): void {
    for (const { ticket } of items) if (ticket !== undefined) this.#deps.spool?.settle(ticket);
  }

  #encode(items: readonly BatchItem[], createdAtMs: number): ExportBatch | undefined {
    if (items.length === 0) return undefined;
    const { batch, unencodable } = encodeBatch(items, createdAtMs);
    this.drop("unencodable", unencodable);
    return batch;
  }
}

function keyOf(span: ReadableSpan): string {
  const { traceId, spanId } = span.spanContext();
  return `${traceId}${spanId}`;
}
