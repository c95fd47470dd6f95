import { randomInt } from "node:crypto";
import { join } from "node:path";
import type { Log } from "../../logging/log.ts";
import type { SpoolStats } from "../endpoint.ts";
import { Backlog } from "./backlog.ts";
import { encodeWrite, type WaitingSpan } from "./encode-write.ts";
import { closeInterruptedSpan, type Interruption } from "./interrupted-span.ts";
import { lastSignsOfLife, newProcessPrefix, recoverSegments } from "./recover-segments.ts";
import {
  createSegment,
  readSpans,
  removeSegment,
  type Segment,
  type SegmentWriter,
  type StoredSpan,
  segmentSuffix,
} from "./segment.ts";
import type { SpoolLimits } from "./spool-limits.ts";
import type { SpoolTicket } from "./spool-ticket.ts";

/** A span that was read back: its encoded form, and its ticket. */
export interface RecoveredSpan {
  readonly ticket: SpoolTicket;
  readonly payload: Buffer;
}

type SpoolDropReason = "spool_full" | "expired" | "spool_damaged" | "queue_full";

export interface SpanSpoolDeps {
  /** The folder, once it is ours; rejects when it cannot be had. */
  readonly folder: Promise<string>;
  readonly limits: SpoolLimits;
  readonly log: Log;
  /** What is said of a span whose process ended before it. */
  readonly interrupted: Interruption;
  /** Told of spans that the spool had to give up; `queue_full` is one that was left to it and could not be written. */
  readonly dropped: (reason: SpoolDropReason, spans: number) => void;
  /** Told when the backlog has grown: after opening, and when a span that was left to the spool was written. */
  readonly changed: () => void;
}

/** How many spans are encoded and written in one go: few milliseconds of work. */
const maxWriteSpans = 256;
/**
 * How long the first of them waits for company. Spans come in bursts, many of them begin and end within one, and each
 * write costs more than the spans in it; this is also what a SIGKILL can take with it.
 */
const gatherMs = 5;
/** A disk slower than that many spans gets no more of them until it has caught up. */
const maxWaitingSpans = 10_000;

/**
 * Keeps the spans of one endpoint on disk until they are settled: append-only segments, written in the background, the
 * oldest deleted as soon as all their spans are settled. Segments are deleted strictly in order, because a later one may
 * hold the word that a span of an earlier one is settled.
 *
 * A span that has no room in memory stays here and comes back through `takeBacklog`, just as what a crash left behind.
 * When the disk fails, spans are kept in memory only, said once, and tried again after a while.
 *
 * Rule: telemetry.md §4, "Nothing lost".
 */
export class SpanSpool implements AsyncDisposable {
  readonly #deps: SpanSpoolDeps;
  /** Random, so that ids of two processes never meet. */
  #nextId = (BigInt(randomInt(2 ** 32)) << 32n) | BigInt(randomInt(2 ** 31));
  #prefix = newProcessPrefix([]);
  #segmentCount = 0;
  /** Oldest first; the last is the one being written, when there is a writer. */
  #segments: Segment[] = [];
  #writer: SegmentWriter | undefined;
  readonly #toWrite: WaitingSpan[] = [];
  #toSettle: bigint[] = [];
  readonly #backlog = new Backlog();
  #leftWaiting = 0;
  #lastSignOfLife: (segment: Segment) => number = (segment) => segment.modifiedAtMs;
  #writing: Promise<void>;
  #isWriting = true;
  #gathering: NodeJS.Timeout | undefined;
  #retrying: NodeJS.Timeout | undefined;
  #isEnding = false;
  #failedUntilMs = 0;
  #hasFailed = false;
  #failedWrites = 0;
  #isOpen = false;
  #isClosed = false;

  constructor(deps: SpanSpoolDeps) {
    this.#deps = deps;
    this.#writing = this.#open()
      .catch((err: unknown) => this.#fail(err))
      .finally(() => this.#opened());
  }

  /** Spans that are on disk, or on their way there, and in nobody's memory. */
  get backlogSpans(): number {
    return this.#backlog.size + this.#leftWaiting;
  }

  /** Those of them that `takeBacklog` can give. */
  get readableSpans(): number {
    return this.#backlog.size;
  }

  get stats(): SpoolStats {
    return {
      bytes: this.#bytes,
      backlogSpans: this.backlogSpans,
      isWorking: !this.#hasFailed,
      failedWrites: this.#failedWrites,
    };
  }

  /** Whether what an earlier process left has been found. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /**
   * Takes a span in, to be written soon.
   *
   * @param encode gives an `ExportTraceServiceRequest` with this span alone; called once, later, or not at all.
   */
  add(encode: () => Buffer | undefined, closes?: SpoolTicket): SpoolTicket {
    return this.#take("span", encode, closes);
  }

  /** Takes in a span that has begun; to be handed to `add` when it ends. Left unsettled, the next process closes it. */
  addOpen(encode: () => Buffer | undefined): SpoolTicket {
    return this.#take("open", encode, undefined);
  }

  #take(kind: WaitingSpan["kind"], encode: WaitingSpan["encode"], closes: SpoolTicket | undefined): SpoolTicket {
    const isOverdue = this.#toWrite.length >= maxWaitingSpans || performance.now() < this.#failedUntilMs;
    const isTaken = !isOverdue && !this.#isClosed;
    const state = isTaken ? "waiting" : "unstored";
    const ticket: SpoolTicket = { id: this.#nextId++, state, stored: undefined, isLeftToDisk: false, closes };
    if (isTaken) this.#toWrite.push({ kind, ticket, encode });
    this.#write();
    return ticket;
  }

  /** The span is done with; its copy on disk is not needed any more. */
  settle(ticket: SpoolTicket): void {
    if (ticket.state === "settled") return;
    if (ticket.closes !== undefined) this.settle(ticket.closes);
    ticket.state = "settled";
    if (ticket.stored === undefined) return;
    ticket.stored.segment.unsettled--;
    this.#toSettle.push(ticket.id);
    this.#write();
  }

  /**
   * The span is not in memory any more. @returns false when it is not on disk and on no way there, so that it is lost.
   */
  leaveToDisk(ticket: SpoolTicket): boolean {
    const { state, stored } = ticket;
    const isOnDisk = state === "stored" && stored?.segment.isGone === false;
    if (!isOnDisk && state !== "waiting") return false;
    ticket.isLeftToDisk = true;
    if (isOnDisk) this.#backlog.add(stored.segment, stored);
    else this.#leftWaiting++;
    return true;
  }

  /** Reads the oldest spans back, at least one if there is any; those are then the caller's again, in memory. */
  async takeBacklog(bounds: { maxSpans: number; maxBytes: number }): Promise<RecoveredSpan[]> {
    const taken = this.#backlog.take(this.#segments, bounds);
    if (taken === undefined) return [];
    const { segment, places } = taken;
    const entries = await readSpans(segment.path, places).catch(() => []);
    const recovered: RecoveredSpan[] = [];
    for (const [index, place] of places.entries()) {
      const entry = entries[index];
      if (entry === undefined) continue;
      const stored: StoredSpan = { id: entry.id, isOpen: entry.kind === "open", segment, ...place };
      const ticket: SpoolTicket = { id: entry.id, state: "stored", stored, isLeftToDisk: true, closes: undefined };
      recovered.push({ ticket, payload: this.#finished(ticket, entry.payload) });
    }
    const damaged = places.length - recovered.length;
    segment.unsettled -= damaged;
    if (damaged > 0) this.#deps.dropped("spool_damaged", damaged);
    return recovered;
  }

  /** Writes what is still to be written, on a disk in trouble with one more try; nothing can be added afterwards. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isEnding = true;
    this.#failedUntilMs = 0;
    do {
      this.#write();
      await this.#writing;
    } while (this.#isWriting || (this.#toWrite.length + this.#toSettle.length > 0 && !this.#hasFailed));
    this.#isClosed = true;
    clearTimeout(this.#retrying);
    await this.#tidyUp().catch((err: unknown) => this.#fail(err));
  }

  async #tidyUp(): Promise<void> {
    await this.#writer?.close();
    this.#writer = undefined;
    await this.#removeSettledSegments();
  }

  /** A span that was open when its process ended is closed at that process's last sign of life. */
  #finished(ticket: SpoolTicket, payload: Buffer): Buffer {
    const { stored } = ticket;
    if (stored?.isOpen !== true) return payload;
    return closeInterruptedSpan(payload, { endMs: this.#lastSignOfLife(stored.segment), ...this.#deps.interrupted });
  }

  async #open(): Promise<void> {
    const { segments, spans, expiredSpans } = await recoverSegments(await this.#deps.folder, this.#deps.limits);
    this.#segments = segments;
    this.#prefix = newProcessPrefix(segments);
    this.#lastSignOfLife = lastSignsOfLife(segments);
    for (const stored of spans) this.#recover(stored);
    if (expiredSpans > 0) this.#deps.dropped("expired", expiredSpans);
    if (this.#backlog.size > 0) {
      this.#deps.log.info("undelivered telemetry spans found in the spool", { spans: this.#backlog.size });
    }
    await this.#removeSettledSegments();
  }

  #opened(): void {
    this.#isOpen = true;
    this.#writeDone();
    this.#deps.changed();
  }

  #recover(stored: StoredSpan): void {
    stored.segment.unsettled++;
    this.#backlog.add(stored.segment, stored);
  }

  get #bytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.bytes, 0);
  }

  #write(): void {
    if (this.#isWriting || this.#isClosed || performance.now() < this.#failedUntilMs) return;
    if (this.#toWrite.length === 0 && this.#toSettle.length === 0) return;
    if (this.#toWrite.length < maxWriteSpans && !this.#isEnding)
      this.#gathering ??= setTimeout(() => this.#writeNow(), gatherMs);
    else this.#writeNow();
  }

  #writeNow(): void {
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    if (this.#isWriting || this.#isClosed) return;
    this.#isWriting = true;
    this.#writing = this.#writePending().finally(() => this.#writeDone());
  }

  #writeDone(): void {
    this.#isWriting = false;
    this.#write();
  }

  /** Never rejects: a disk in trouble is the spool's own affair. */
  async #writePending(): Promise<void> {
    const taken = this.#toWrite.splice(0, maxWriteSpans);
    // A span that has ended already need not be written as one that has begun.
    for (const { ticket } of taken) if (ticket.closes?.state === "waiting") ticket.closes.state = "settled";
    // What is settled by now is not worth a write.
    const batch = taken.filter(({ ticket }) => ticket.state === "waiting");
    const settledIds = this.#toSettle.splice(0);
    try {
      await this.#removeSettledSegments();
      await this.#append(batch, settledIds);
      if (this.#hasFailed) this.#deps.log.info("telemetry spool works again");
      this.#hasFailed = false;
    } catch (err) {
      this.#toSettle.unshift(...settledIds);
      this.#toWrite.unshift(...batch);
      this.#fail(err);
    }
  }

  async #append(batch: readonly WaitingSpan[], settledIds: readonly bigint[]): Promise<void> {
    const writer = await this.#currentWriter();
    const write = encodeWrite(settledIds, batch, this.#deps.limits.segmentBytes);
    for (const ticket of write.unencodable) this.#unstore(ticket);
    this.#toWrite.unshift(...write.rest);
    const at = await writer.append(write.bytes);
    for (const { ticket, isOpen, start, end } of write.places) {
      this.#store(ticket, { id: ticket.id, isOpen, segment: writer.segment, start: at + start, end: at + end });
    }
    this.#enforceSize();
    if (batch.some(({ ticket }) => ticket.isLeftToDisk)) this.#deps.changed();
  }

  #store(ticket: SpoolTicket, stored: StoredSpan): void {
    if (ticket.state === "settled") {
      this.#toSettle.push(ticket.id);
      return;
    }
    ticket.state = "stored";
    ticket.stored = stored;
    stored.segment.unsettled++;
    if (ticket.closes !== undefined) this.#closed(ticket.closes);
    if (!ticket.isLeftToDisk) return;
    this.#leftWaiting--;
    this.#backlog.add(stored.segment, stored);
  }

  /** The entry of the finished span says so on disk: no other one is needed. */
  #closed(ticket: SpoolTicket): void {
    if (ticket.state === "stored" && ticket.stored !== undefined) ticket.stored.segment.unsettled--;
    ticket.state = "settled";
  }

  #unstore(ticket: SpoolTicket): void {
    if (ticket.state !== "waiting") return;
    ticket.state = "unstored";
    if (!ticket.isLeftToDisk) return;
    this.#leftWaiting--;
    this.#deps.dropped("queue_full", 1);
  }

  async #currentWriter(): Promise<SegmentWriter> {
    if (this.#writer !== undefined && this.#writer.segment.bytes < this.#deps.limits.segmentBytes) return this.#writer;
    await this.#writer?.close();
    this.#writer = undefined;
    const folder = await this.#deps.folder;
    const name = `${this.#prefix}-${String(this.#segmentCount++).padStart(8, "0")}${segmentSuffix}`;
    this.#writer = await createSegment(join(folder, name), this.#deps.limits);
    this.#segments.push(this.#writer.segment);
    return this.#writer;
  }

  #fail(err: unknown): void {
    if (!this.#hasFailed) this.#deps.log.warn("telemetry spool cannot be written, keeping spans in memory", { err });
    this.#hasFailed = true;
    this.#failedWrites++;
    const { retryAfterMs } = this.#deps.limits;
    this.#failedUntilMs = performance.now() + retryAfterMs;
    // What was delivered meanwhile is still to be written down, also when no span comes any more.
    this.#retrying = setTimeout(() => this.#write(), retryAfterMs + 1);
    this.#retrying.unref();
    // The end of the segment may be torn: whatever is written next goes to a new one.
    void this.#writer?.close().catch(() => {});
    this.#writer = undefined;
    for (const { ticket } of this.#toWrite.splice(0)) this.#unstore(ticket);
  }

  /** The oldest segments go when there is too much; what is in memory all the same is not lost by that. */
  #enforceSize(): void {
    while (this.#bytes > this.#deps.limits.maxBytes && this.#segments.length > 1) {
      const [oldest] = this.#segments.splice(0, 1);
      if (oldest === undefined) return;
      oldest.isGone = true;
      const lost = this.#backlog.forget(oldest);
      if (lost > 0) this.#deps.dropped("spool_full", lost);
      void removeSegment(oldest).catch(() => {});
    }
  }

  /** In order; the one that is being written stays. */
  async #removeSettledSegments(): Promise<void> {
    for (;;) {
      const [oldest] = this.#segments;
      if (oldest === undefined || oldest.unsettled > 0 || oldest === this.#writer?.segment) return;
      // Later ones hold the word that its spans are settled: they stay until it is gone.
      await removeSegment(oldest);
      this.#segments.shift();
    }
  }
}
