import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import type { SpanPriority } from "./endpoint.ts";
import type { SpoolTicket } from "./spool/spool-ticket.ts";

/** A span that waits to be sent. */
interface QueuedSpan {
  readonly span: ReadableSpan;
  /** Estimated size on the wire. */
  readonly bytes: number;
  readonly priority: SpanPriority;
  /** Its copy on disk, where there is a spool. */
  readonly ticket: SpoolTicket | undefined;
  /** Position in the order of arrival. */
  readonly sequence: number;
}

export interface SpanQueueLimits {
  readonly maxQueuedSpans: number;
  readonly maxQueuedBytes: number;
}

/**
 * Spans that wait to be sent, bounded in number and bytes. They leave in the order of their arrival; when there is no
 * room, the newest of the lowest priority is given up first (telemetry.md §4). Adding and giving up take as long as there
 * are priorities, whatever the number of spans.
 */
export interface SpanQueue {
  readonly length: number;
  readonly bytes: number;
  /** @returns what was given up to stay within the bounds; the added one may be among them. */
  add(span: Omit<QueuedSpan, "sequence">): readonly QueuedSpan[];
  /** Removes and returns the oldest spans, as many as fit both bounds but at least one. */
  take(bounds: { maxSpans: number; maxBytes: number }): QueuedSpan[];
  /** Removes and returns all, in no order. */
  clear(): readonly QueuedSpan[];
}

export function createSpanQueue(limits: SpanQueueLimits): SpanQueue {
  /** One for each priority that was ever seen, the lowest first. */
  const lanes: Lane[] = [];
  let length = 0;
  let bytes = 0;
  let sequence = 0;

  function isOverfull(): boolean {
    return length > limits.maxQueuedSpans || bytes > limits.maxQueuedBytes;
  }

  function laneOf(wanted: SpanPriority): Lane {
    const priority = Number.isNaN(wanted) ? 0 : wanted;
    const at = lanes.findIndex((lane) => lane.priority >= priority);
    const known = lanes[at];
    if (known?.priority === priority) return known;
    const lane = createLane(priority);
    lanes.splice(at === -1 ? lanes.length : at, 0, lane);
    return lane;
  }

  function giveUpOne(): QueuedSpan[] {
    const newest = lanes.find((lane) => lane.length > 0)?.removeNewest();
    if (newest === undefined) return [];
    account(-1, -newest.bytes);
    return [newest];
  }

  function account(spans: number, size: number): void {
    length += spans;
    bytes += size;
  }

  function oldestLane(): Lane | undefined {
    let oldest: Lane | undefined;
    for (const lane of lanes) {
      const first = lane.oldest();
      if (first !== undefined && first.sequence < (oldest?.oldest()?.sequence ?? Number.POSITIVE_INFINITY))
        oldest = lane;
    }
    return oldest;
  }

  return {
    get length() {
      return length;
    },
    get bytes() {
      return bytes;
    },
    add(span) {
      laneOf(span.priority).add({ ...span, sequence: sequence++ });
      account(1, span.bytes);
      const givenUp: QueuedSpan[] = [];
      while (isOverfull()) givenUp.push(...giveUpOne());
      return givenUp;
    },
    take({ maxSpans, maxBytes }) {
      const taken: QueuedSpan[] = [];
      let takenBytes = 0;
      while (taken.length < maxSpans) {
        const lane = oldestLane();
        const next = lane?.oldest();
        if (lane === undefined || next === undefined) break;
        if (taken.length > 0 && takenBytes + next.bytes > maxBytes) break;
        lane.removeOldest();
        taken.push(next);
        takenBytes += next.bytes;
      }
      account(-taken.length, -takenBytes);
      return taken;
    },
    clear() {
      const cleared = lanes.flatMap((lane) => lane.clear());
      account(-length, -bytes);
      return cleared;
    },
  };
}

/** The spans of one priority, in the order of arrival. */
interface Lane {
  readonly priority: SpanPriority;
  readonly length: number;
  add(span: QueuedSpan): void;
  oldest(): QueuedSpan | undefined;
  removeOldest(): void;
  removeNewest(): QueuedSpan | undefined;
  clear(): QueuedSpan[];
}

/** An array with a moving start; `shift` would move every element. */
function createLane(priority: SpanPriority): Lane {
  let items: (QueuedSpan | undefined)[] = [];
  let start = 0;

  /** Gives the memory of removed ones back once they are the larger part: constant time on average. */
  function compact(): void {
    if (start < 1_024 || start * 2 < items.length) return;
    items = items.slice(start);
    start = 0;
  }

  return {
    priority,
    get length() {
      return items.length - start;
    },
    add(span) {
      items.push(span);
    },
    oldest: () => items[start],
    removeOldest() {
      if (start >= items.length) return;
      items[start] = undefined;
      start++;
      compact();
    },
    removeNewest() {
      if (items.length === start) return undefined;
      return items.pop();
    },
    clear() {
      const cleared = items.slice(start).filter((item) => item !== undefined);
      items = [];
      start = 0;
      return cleared;
    },
  };
}
