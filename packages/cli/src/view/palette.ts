import type { JobViewState } from "./pipeline-view.ts";
import type { TimeCategory } from "./time-category.ts";

/** How text is dressed: `createPalette` gives one with colours and one without. */
export interface Palette {
  readonly hasColour: boolean;
  bold(text: string): string;
  dim(text: string): string;
  /** The slowest path's mark. */
  path(text: string): string;
  state(state: JobViewState, text: string): string;
  category(category: TimeCategory, text: string): string;
  failed(text: string): string;
}

type Dress = (text: string) => string;

const reset = "\u001b[0m";
const sgr =
  (codes: string): Dress =>
  (text) =>
    text === "" ? "" : `\u001b[${codes}m${text}${reset}`;
const plain: Dress = (text) => text;

/** The terminal's own sixteen colours, so that a view follows its theme. */
const stateColours: Record<JobViewState, Dress> = {
  waiting: sgr("90"),
  pending: sgr("33"),
  running: sgr("36"),
  success: sgr("32"),
  warning: sgr("33"),
  retried: sgr("33"),
  failed: sgr("31"),
  canceled: sgr("35"),
  skipped: sgr("90"),
  manual: sgr("34"),
};

const categoryColours: Record<TimeCategory, Dress> = {
  queue: sgr("90"),
  images: sgr("33"),
  sources: sgr("34"),
  cache: sgr("36"),
  script: sgr("32"),
  artifacts: sgr("35"),
  other: sgr("37"),
};

/** Colours on or off; without them no escape sequence is written at all. Rule: https://no-color.org */
export function createPalette({ hasColour }: { hasColour: boolean }): Palette {
  return {
    hasColour,
    bold: hasColour ? sgr("1") : plain,
    dim: hasColour ? sgr("2") : plain,
    path: hasColour ? sgr("1;33") : plain,
    failed: hasColour ? sgr("31") : plain,
    state: (state, text) => (hasColour ? stateColours[state](text) : text),
    category: (category, text) => (hasColour ? categoryColours[category](text) : text),
  };
}

const stateSymbols: Record<JobViewState, string> = {
  waiting: "·",
  pending: "◌",
  running: "●",
  success: "✓",
  warning: "!",
  retried: "↻",
  failed: "✗",
  canceled: "⊘",
  skipped: "»",
  manual: "▷",
};

const spinner = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/** One cell that tells a state without colour. What runs turns with `frame`; without one it stands still. */
export function stateSymbol(state: JobViewState, frame?: number): string {
  if (state === "running" && frame !== undefined) return spinner[frame % spinner.length] ?? "●";
  return stateSymbols[state];
}
