import type { SpanRow } from "../rows/span-row.ts";

/** What tells a span from all others. */
type SpanKey = Pick<SpanRow, "traceId" | "spanId" | "timestamp">;

/**
 * Remembers which spans were stored lately, so that an exporter that repeats a request whose answer was lost does not
 * double them: not in `otel_traces`, and not in sums of the roll-up, which no query could undo.
 *
 * Bounded: two generations of `capacity` spans; when the younger is full, the elder is forgotten. A span repeated later
 * than that is stored again, and queries still show it once (they read `LIMIT 1 BY TraceId, SpanId`). A span is the same
 * when its trace, its id and its start are: ids are deterministic (telemetry.md §2), and a coordinator that begins to
 * count from 1 again must not lose the spans of its second life.
 */
export class RecentSpans {
  readonly #capacity: number;
  #younger: Fingerprints;
  #elder: Fingerprints;

  constructor(capacity = 65_536) {
    this.#capacity = capacity;
    this.#younger = new Fingerprints(capacity);
    this.#elder = new Fingerprints(capacity);
  }

  /** The rows that are not known to be stored, each once, and what to remember when they are. */
  sift(rows: readonly SpanRow[]): { readonly fresh: readonly SpanRow[]; readonly prints: SpanPrints } {
    const prints = printsOf(rows);
    const seen = new Fingerprints(rows.length);
    const fresh = rows.filter((_row, index) => {
      const high = prints[index * 2] ?? 0;
      const low = prints[index * 2 + 1] ?? 0;
      return !this.#younger.has(high, low) && !this.#elder.has(high, low) && seen.add(high, low);
    });
    return { fresh: fresh.length === rows.length ? rows : fresh, prints };
  }

  /** To be called once rows are stored, not before: a repeated span must not count as stored when the first one fails. */
  add(prints: SpanPrints): void {
    for (let at = 0; at < prints.length; at += 2) {
      if (this.#younger.size >= this.#capacity) {
        this.#elder = this.#younger;
        this.#younger = new Fingerprints(this.#capacity);
      }
      this.#younger.add(prints[at] ?? 0, prints[at + 1] ?? 0);
    }
  }
}

/** For each span 64 bits that stand for it, as two numbers of 32 that are never both 0. */
export type SpanPrints = Uint32Array;

/** Other ones in each process, so that nobody can make up spans that look like others. */
const [highSeed = 0, lowSeed = 0] = crypto.getRandomValues(new Uint32Array(2));

/**
 * Fingerprints of spans. Two of 57.6 million spans a day (telemetry.md §7) look the same among the 131,072 remembered
 * ones once in some thousand years. Numbers because as strings they cost a fifth of all that receiving does, most of it
 * for the garbage collector.
 */
export function printsOf(spans: readonly SpanKey[]): SpanPrints {
  const prints = new Uint32Array(spans.length * 2);
  let at = 0;
  for (const { traceId, spanId, timestamp } of spans) {
    let high = highSeed;
    let low = lowSeed;
    for (const text of [spanId, traceId]) {
      for (let i = 0; i < text.length; i += 1) {
        const code = text.charCodeAt(i);
        high = Math.imul(high ^ code, 0x01000193);
        low = Math.imul(low ^ code, 0x85ebca6b);
        low ^= low >>> 13;
      }
    }
    high = Math.imul(high ^ Number(timestamp & 0xffffffffn), 0xc2b2ae35);
    low = Math.imul(low ^ Number((timestamp >> 32n) & 0xffffffffn), 0x27d4eb2f);
    prints[at++] = high ^ (high >>> 16);
    prints[at++] = (low ^ (low >>> 15)) | Number(high === 0);
  }
  return prints;
}

/** A set of fingerprints: open addressing with linear probing, at most half full. */
class Fingerprints {
  readonly #mask: number;
  readonly #high: Uint32Array;
  readonly #low: Uint32Array;
  #size = 0;

  constructor(capacity: number) {
    const slots = 2 ** Math.ceil(Math.log2(Math.max(2, capacity * 2)));
    this.#mask = slots - 1;
    this.#high = new Uint32Array(slots);
    this.#low = new Uint32Array(slots);
  }

  get size(): number {
    return this.#size;
  }

  has(high: number, low: number): boolean {
    return this.#isAt(this.#slotFor(high, low), high, low);
  }

  /** @returns whether it was not in it before. */
  add(high: number, low: number): boolean {
    const slot = this.#slotFor(high, low);
    if (this.#isAt(slot, high, low)) return false;
    this.#high[slot] = high;
    this.#low[slot] = low;
    this.#size += 1;
    return true;
  }

  /** Where it is, or would be put. */
  #slotFor(high: number, low: number): number {
    let slot = low & this.#mask;
    while (!this.#isAt(slot, 0, 0) && !this.#isAt(slot, high, low)) slot = (slot + 1) & this.#mask;
    return slot;
  }

  #isAt(slot: number, high: number, low: number): boolean {
    return this.#high[slot] === high && this.#low[slot] === low;
  }
}
