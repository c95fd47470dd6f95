import type { SpanRow } from "../rows/span-row.ts";

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
  #younger = new Set<string>();
  #elder = new Set<string>();

  constructor(capacity = 65_536) {
    this.#capacity = capacity;
  }

  /** The rows that are not known to be stored, each once. */
  withoutKnown(rows: readonly SpanRow[]): readonly SpanRow[] {
    const seen = new Set<string>();
    const fresh = rows.filter((row) => {
      const key = keyOf(row);
      if (this.#younger.has(key) || this.#elder.has(key) || seen.has(key)) return false;
      seen.add(key);
      return true;
    });
    return fresh.length === rows.length ? rows : fresh;
  }

  /** To be called once rows are stored, not before: a repeated span must not count as stored when the first one fails. */
  add(rows: readonly Pick<SpanRow, "traceId" | "spanId" | "timestamp">[]): void {
    for (const row of rows) {
      if (this.#younger.size >= this.#capacity) {
        this.#elder = this.#younger;
        this.#younger = new Set();
      }
      this.#younger.add(keyOf(row));
    }
  }
}

function keyOf({ traceId, spanId, timestamp }: Pick<SpanRow, "traceId" | "spanId" | "timestamp">): string {
  return `${traceId}${spanId}${timestamp}`;
}
