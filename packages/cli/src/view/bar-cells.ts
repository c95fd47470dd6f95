import type { TimeCategory } from "./time-category.ts";
import type { BarSegment } from "./waterfall-row.ts";

/** The time that a bar's cells cover. */
export interface TimeWindow {
  readonly startUnixNano: bigint;
  readonly endUnixNano: bigint;
}

/** One terminal cell of a bar. */
export type BarCell =
  | { readonly kind: "empty" }
  | {
      readonly kind: "filled";
      readonly category: TimeCategory;
      readonly hasFailed: boolean;
      /** Eighths of the cell that are filled, 1 to 8. */
      readonly eighths: number;
      /** Which end of the cell is filled when it is not full: bars begin on the right of a cell and end on its left. */
      readonly from: "left" | "right";
    };

const empty: BarCell = { kind: "empty" };

/**
 * Lays segments over a row of cells. A segment always shows: it takes an eighth of a cell at least.
 *
 * @param segments by start, not overlapping. Open ones grow to the window's end.
 * @param width cells; 0 gives none.
 */
export function barCells(segments: readonly BarSegment[], window: TimeWindow, width: number): BarCell[] {
  const whole = Number(window.endUnixNano - window.startUnixNano);
  const position = (unixNano: bigint): number =>
    whole <= 0 ? 0 : Math.min(width, Math.max(0, (Number(unixNano - window.startUnixNano) / whole) * width));
  const spans = segments.map((segment) =>
    placed(segment, position(segment.startUnixNano), position(segment.endUnixNano ?? window.endUnixNano), width),
  );
  return Array.from({ length: width }, (_, cell) => cellAt(cell, spans));
}

interface PlacedSegment {
  readonly segment: BarSegment;
  readonly from: number;
  readonly to: number;
}

function placed(segment: BarSegment, from: number, to: number, width: number): PlacedSegment {
  const least = 1 / 8;
  const start = Math.min(from, Math.max(0, width - least));
  return { segment, from: start, to: Math.max(to, start + least) };
}

/** A cell shows the segment that has most of it; of two that are equal, the earlier. */
function cellAt(cell: number, spans: readonly PlacedSegment[]): BarCell {
  const parts = spans
    .map((span) => ({ ...span, from: Math.max(span.from, cell), to: Math.min(span.to, cell + 1) }))
    .filter((part) => part.to > part.from);
  const [first] = parts;
  const last = parts.at(-1);
  if (first === undefined || last === undefined) return empty;
  const widest = parts.reduce((widest, part) => (part.to - part.from > widest.to - widest.from ? part : widest));
  const covered = Math.max(1, Math.round((last.to - first.from) * 8));
  return {
    kind: "filled",
    category: widest.segment.category,
    hasFailed: widest.segment.hasFailed,
    eighths: covered,
    from: first.from > cell ? "right" : "left",
  };
}
