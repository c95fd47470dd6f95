import type { SpanRow } from "../rows/span-row.ts";

/** What tells a span from all others. */
export type SpanKey = Pick<SpanRow, "traceId" | "spanId" | "timestamp">;

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

  /** The rows that are not known to be stored, each once. */
  withoutKnown(rows: readonly SpanRow[]): readonly SpanRow[] {
    const seen = new Fingerprints(rows.length);
    const fresh = rows.filter((row) => {
      const print = fingerprintOf(row);
      return !this.#younger.has(print) && !this.#elder.has(print) && seen.add(print);
    });
    return fresh.length === rows.length ? rows : fresh;
  }

  /** To be called once rows are stored, not before: a repeated span must not count as stored when the first one fails. */
  add(keys: readonly SpanKey[]): void {
    for (const key of keys) {
      if (this.#younger.size >= this.#capacity) {
        this.#elder = this.#younger;
        this.#younger = new Fingerprints(this.#capacity);
      }
      this.#younger.add(fingerprintOf(key));
    }
  }
}

/** 64 bits that stand for a span, as two numbers of 32; never both 0. */
interface Fingerprint {
  readonly high: number;
  readonly low: number;
}

/** Other ones in each process, so that nobody can make up spans that look like others. */
const [highSeed = 0, lowSeed = 0] = crypto.getRandomValues(new Uint32Array(2));

/**
 * Two of 57.6 million spans a day (telemetry.md §7) look the same among the 131,072 remembered ones once in some
 * thousand years. Kept as numbers because as strings they cost a fifth of all that receiving does, most of it for the
 * garbage collector.
 */
function fingerprintOf({ traceId, spanId, timestamp }: SpanKey): Fingerprint {
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
  high ^= high >>> 16;
  low ^= low >>> 15;
  return { high: high >>> 0, low: (low | Number(high === 0)) >>> 0 };
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

  has(print: Fingerprint): boolean {
    return this.#isAt(this.#slotFor(print), print);
  }

  /** @returns whether it was not in it before. */
  add(print: Fingerprint): boolean {
    const slot = this.#slotFor(print);
    if (this.#isAt(slot, print)) return false;
    this.#high[slot] = print.high;
    this.#low[slot] = print.low;
    this.#size += 1;
    return true;
  }

  /** Where it is, or would be put. */
  #slotFor(print: Fingerprint): number {
    let slot = print.low & this.#mask;
    while ((this.#high[slot] !== 0 || this.#low[slot] !== 0) && !this.#isAt(slot, print))
      slot = (slot + 1) & this.#mask;
    return slot;
  }

  #isAt(slot: number, { high, low }: Fingerprint): boolean {
    return this.#high[slot] === high && this.#low[slot] === low;
  }
}
