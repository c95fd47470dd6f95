import type { EntryPlace } from "./record.ts";
import type { Segment } from "./segment.ts";

/**
 * Where in the segments the spans are that nobody has in memory. An endpoint that is away for a day leaves hundreds of
 * thousands of them, so that each is two numbers here; everything else is read from the disk with it.
 */
export class Backlog {
  /** Start and end of each span, in turn. */
  readonly #places = new Map<Segment, number[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(segment: Segment, { start, end }: EntryPlace): void {
    const places = this.#places.get(segment) ?? [];
    places.push(start, end);
    this.#places.set(segment, places);
    this.#size++;
  }

  /** Forgets what is in a segment. @returns how many spans that were. */
  forget(segment: Segment): number {
    const spans = (this.#places.get(segment)?.length ?? 0) / 2;
    this.#places.delete(segment);
    this.#size -= spans;
    return spans;
  }

  /**
   * Takes the oldest out, all of one segment and in the order in which they were written; at least one if there is any.
   *
   * @param segments oldest first.
   */
  take(
    segments: readonly Segment[],
    bounds: { maxSpans: number; maxBytes: number },
  ): { readonly segment: Segment; readonly places: readonly EntryPlace[] } | undefined {
    const segment = segments.find((each) => this.#places.has(each));
    const places = segment === undefined ? [] : this.#sortedPlaces(segment);
    if (segment === undefined) return undefined;
    let bytes = 0;
    const beyond = places.findIndex(({ start, end }, index) => {
      bytes += end - start;
      return index > 0 && (index >= bounds.maxSpans || bytes > bounds.maxBytes);
    });
    const taken = beyond === -1 ? places : places.slice(0, beyond);
    this.forget(segment);
    for (const place of places.slice(taken.length)) this.add(segment, place);
    return { segment, places: taken };
  }

  /** They are left in any order. */
  #sortedPlaces(segment: Segment): EntryPlace[] {
    const numbers = this.#places.get(segment) ?? [];
    const places: EntryPlace[] = [];
    for (let at = 0; at < numbers.length; at += 2) places.push({ start: numbers[at] ?? 0, end: numbers[at + 1] ?? 0 });
    return places.sort((a, b) => a.start - b.start);
  }
}
