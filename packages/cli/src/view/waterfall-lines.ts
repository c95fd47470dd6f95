import stringWidth from "string-width";
import { type BarCell, barCells, type TimeWindow } from "./bar-cells.ts";
import { cutText, fitText, plainText } from "./fit-text.ts";
import { formatDuration } from "./format-duration.ts";
import { type Palette, stateSymbol } from "./palette.ts";
import { hasFailed } from "./pipeline-view.ts";
import { timeTicks } from "./time-axis.ts";
import { type TimeCategory, timeCategories } from "./time-category.ts";
import type { WaterfallRow } from "./waterfall-row.ts";

export interface WaterfallLook {
  /** Cells of the whole line, at least 40. */
  readonly width: number;
  readonly palette: Palette;
  readonly window: TimeWindow;
  /** Turns the symbols of what runs; `undefined`: they stand still. */
  readonly frame?: number | undefined;
}

/** Columns: path mark, space, symbol, space, label, space, duration, space, bar. */
const fixedWidth = 1 + 1 + 1 + 1 + 1 + 7 + 1;

/** The axis, then a line for every row; each is at most `width` cells long. */
export function waterfallLines(rows: readonly WaterfallRow[], look: WaterfallLook): string[] {
  const labelWidth = widthOfLabels(rows, look.width);
  const barWidth = Math.max(0, look.width - fixedWidth - labelWidth);
  return [axisLine(look, labelWidth, barWidth), ...rows.map((row) => rowLine(row, look, labelWidth, barWidth))];
}

/** What the colours (or, without colours, the shades) stand for. */
export function legendLine(palette: Palette, hasPath: boolean): string {
  const entries = timeCategories.map((category) => `${legendMark(category, palette)} ${category}`);
  const path = hasPath ? [`${palette.path("┃")} slowest path`] : [];
  return `  ${[...entries, ...path].join("  ")}`;
}

function widthOfLabels(rows: readonly WaterfallRow[], width: number): number {
  const widest = rows.reduce((most, row) => Math.max(most, labelAndNoteWidth(row)), 12);
  return Math.min(widest, Math.max(12, Math.floor(width * 0.42)));
}

function noteWidth({ note }: WaterfallRow): number {
  return note === "" ? 0 : stringWidth(plainText(note)) + 1;
}

function labelAndNoteWidth(row: WaterfallRow): number {
  return indent(row).length + stringWidth(plainText(row.label)) + noteWidth(row);
}

function axisLine({ window, palette }: WaterfallLook, labelWidth: number, barWidth: number): string {
  let axis = "";
  for (const { cell, label } of timeTicks(window.endUnixNano - window.startUnixNano, barWidth)) {
    axis = `${axis.padEnd(cell)}╷${label}`;
  }
  return `${" ".repeat(fixedWidth + labelWidth)}${palette.dim(cutText(axis, barWidth))}`;
}

function rowLine(row: WaterfallRow, look: WaterfallLook, labelWidth: number, barWidth: number): string {
  const { palette, frame } = look;
  if (row.kind === "stage") return `  ${palette.bold(cutText(plainText(row.label), labelWidth + 2))}`;
  const mark = row.isOnSlowestPath ? palette.path("┃") : " ";
  const symbol = row.kind === "more" ? " " : stateSymbol(row.state, frame);
  const bar = barCells(row.segments, look.window, barWidth);
  const line = [
    `${mark} ${indent(row)}${palette.state(row.state, symbol)}`,
    labelAndNote(row, palette, labelWidth - indent(row).length),
    durationText(row, look),
    drawnBar(bar, palette),
  ];
  return line.join(" ").trimEnd();
}

function indent({ depth }: WaterfallRow): string {
  return "  ".repeat(Math.min(depth, 6));
}

/** A note of fewer cells says nothing. */
const leastNoteWidth = 4;

/** The label comes first; a note gets what is left. */
function labelAndNote(row: WaterfallRow, palette: Palette, width: number): string {
  const label = cutText(plainText(row.label), width);
  const room = width - stringWidth(label) - 1;
  const note = room < leastNoteWidth ? "" : cutText(plainText(row.note), room);
  const used = stringWidth(label) + (note === "" ? 0 : stringWidth(note) + 1);
  const dressedLabel = row.kind === "job" ? label : palette.dim(label);
  const isBad = hasFailed(row.state);
  const dressedNote = note === "" ? "" : ` ${isBad ? palette.state(row.state, note) : palette.dim(note)}`;
  return `${dressedLabel}${dressedNote}${" ".repeat(Math.max(0, width - used))}`;
}

function durationText(row: WaterfallRow, { window, palette }: WaterfallLook): string {
  if (row.startUnixNano === undefined) return fitText(row.kind === "job" ? waitWord(row.state) : "", 7, "right");
  const text = fitText(formatDuration((row.endUnixNano ?? window.endUnixNano) - row.startUnixNano), 7, "right");
  return row.kind === "job" ? palette.bold(text) : text;
}

/** What stands in place of a duration for a job that has none. */
function waitWord(state: WaterfallRow["state"]): string {
  switch (state) {
    case "pending":
      return "queued";
    case "manual":
      return "manual";
    case "skipped":
      return "skipped";
    default:
      return "";
  }
}

const leftBlocks = [" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"];

/** Without colours categories are told apart by shade, in whole cells. */
const shades: Record<TimeCategory, string> = {
  queue: "·",
  images: "▚",
  sources: "▒",
  cache: "░",
  script: "█",
  artifacts: "▓",
  other: "─",
};

function drawnBar(cells: readonly BarCell[], palette: Palette): string {
  let drawn = "";
  let run = "";
  let previous: BarCell | undefined;
  const flush = (): void => {
    if (previous !== undefined) drawn += dress(previous, palette, run);
    run = "";
  };
  for (const cell of cells) {
    if (previous === undefined || !isSameDress(previous, cell)) flush();
    previous = cell;
    run += block(cell, palette);
  }
  flush();
  return drawn;
}

function isSameDress(a: BarCell, b: BarCell): boolean {
  if (a.kind === "empty" || b.kind === "empty") return a.kind === b.kind;
  return a.category === b.category && a.hasFailed === b.hasFailed;
}

function dress(cell: BarCell, palette: Palette, text: string): string {
  if (cell.kind === "empty") return text;
  return cell.hasFailed ? palette.failed(text) : palette.category(cell.category, text);
}

function block(cell: BarCell, palette: Palette): string {
  if (cell.kind === "empty") return " ";
  if (!palette.hasColour) return cell.hasFailed ? "x" : shades[cell.category];
  if (cell.category === "queue") return "┄";
  if (cell.from === "right" && cell.eighths < 8) return cell.eighths >= 6 ? "█" : cell.eighths >= 3 ? "▐" : "▕";
  return leftBlocks[cell.eighths] ?? "█";
}

function legendMark(category: TimeCategory, palette: Palette): string {
  if (!palette.hasColour) return shades[category];
  return palette.category(category, category === "queue" ? "┄" : "█");
}
