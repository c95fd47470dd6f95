import stringWidth from "string-width";

/** What is needed of a terminal; `process.stdout` has it. */
export interface Terminal {
  readonly columns: number;
  readonly rows: number;
  write(text: string): unknown;
}

/**
 * The last lines of a terminal, redrawn in place. Only lines that changed are written, in one write, inside a
 * synchronised update (https://gist.github.com/christianparpart/d8a62cc1ab659194337d73e399004036), so nothing flickers.
 *
 * States: nothing drawn → `draw` any number of times → `[Symbol.dispose]`, which leaves the cursor below the last line.
 */
export class LiveRegion implements Disposable {
  readonly #terminal: Terminal;
  #drawn: readonly string[] = [];
  #columns: number;
  #isCursorHidden = false;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    this.#columns = terminal.columns;
  }

  /** Shows these lines instead of the ones before. Each must fit the terminal's width; there must be fewer than it has rows. */
  draw(lines: readonly string[]): void {
    const wasResized = this.#terminal.columns !== this.#columns;
    const update = wasResized ? this.#redrawn(lines) : this.#changed(lines);
    this.#columns = this.#terminal.columns;
    this.#drawn = lines;
    this.#write(update);
  }

  /** Writes text that stays, above the region. */
  printAbove(text: string): void {
    const lines = this.#drawn;
    this.#write(`${this.#backToTop()}${eraseBelow}${text.endsWith("\n") ? text : `${text}\n`}`);
    this.#drawn = [];
    this.draw(lines);
  }

  /** Removes the region; what is written next stands where it was. */
  clear(): void {
    this.#write(`${this.#backToTop()}${eraseBelow}`);
    this.#drawn = [];
  }

  [Symbol.dispose](): void {
    if (this.#isCursorHidden) this.#terminal.write(showCursor);
    this.#isCursorHidden = false;
  }

  #changed(lines: readonly string[]): string {
    const body = lines.map((line, index) => (line === this.#drawn[index] ? "\n" : `${line}${eraseLineEnd}\n`));
    return `${this.#backToTop()}${body.join("")}${lines.length < this.#drawn.length ? eraseBelow : ""}`;
  }

  #redrawn(lines: readonly string[]): string {
    return `${this.#backToTop()}${eraseBelow}${lines.map((line) => `${line}\n`).join("")}`;
  }

  /** A terminal that became narrower has broken long lines in two: they take more rows now than when they were drawn. */
  #backToTop(): string {
    const columns = Math.max(1, this.#terminal.columns);
    const rows = this.#drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(stringWidth(line) / columns)), 0);
    const reachable = Math.min(rows, Math.max(0, this.#terminal.rows - 1));
    return reachable === 0 ? "\r" : `\r\u001b[${reachable}A`;
  }

  #write(update: string): void {
    const hide = this.#isCursorHidden ? "" : hideCursor;
    this.#isCursorHidden = true;
    this.#terminal.write(`${beginUpdate}${hide}${update}${endUpdate}`);
  }
}

const beginUpdate = "\u001b[?2026h";
const endUpdate = "\u001b[?2026l";
const hideCursor = "\u001b[?25l";
const showCursor = "\u001b[?25h";
const eraseLineEnd = "\u001b[K";
const eraseBelow = "\u001b[J";
