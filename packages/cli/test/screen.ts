import type { Terminal } from "../src/terminal/live-region.ts";

/** A terminal of a test: understands what `LiveRegion` writes, and refuses what it does not understand. */
export class Screen implements Terminal {
  columns: number;
  rows: number;
  #lines: string[] = [""];
  #row = 0;
  #column = 0;
  isCursorVisible = true;
  /** Characters that reached the screen, for counting what a redraw costs. */
  printed = 0;

  constructor(columns: number, rows: number) {
    this.columns = columns;
    this.rows = rows;
  }

  /** Everything above and on the screen, without the empty line that the cursor stands on. */
  text(): string {
    return this.#lines
      .map((line) => line.trimEnd())
      .join("\n")
      .trimEnd();
  }

  write(text: string): boolean {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what a terminal reads
    const pieces = text.match(/\u001b\[[?0-9;]*[A-Za-z]|\r|\n|[^\u001b\r\n]/gu) ?? [];
    for (const piece of pieces) this.#take(piece);
    return true;
  }

  #take(piece: string): void {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: likewise
    const { parameters, command } = /^\u001b\[(?<parameters>[?0-9;]*)(?<command>[A-Za-z])$/.exec(piece)?.groups ?? {};
    if (command !== undefined) this.#control(command, parameters ?? "");
    else if (piece === "\r") this.#column = 0;
    else if (piece === "\n") this.#nextLine();
    else this.#print(piece);
  }

  #control(command: string, parameters: string): void {
    const line = this.#lines[this.#row] ?? "";
    if (command === "A") this.#row = Math.max(0, this.#lines.length - this.rows, this.#row - Number(parameters || 1));
    else if (command === "K") this.#lines[this.#row] = line.slice(0, this.#column);
    else if (command === "J") this.#lines = [...this.#lines.slice(0, this.#row), line.slice(0, this.#column)];
    else if (parameters === "?25") this.isCursorVisible = command === "h";
    else if (parameters !== "?2026" && command !== "m")
      throw new Error(`the screen does not know ${parameters}${command}`);
  }

  #nextLine(): void {
    this.#row += 1;
    this.#column = 0;
    while (this.#lines.length <= this.#row) this.#lines.push("");
  }

  #print(character: string): void {
    if (this.#column >= this.columns) this.#nextLine();
    const line = (this.#lines[this.#row] ?? "").padEnd(this.#column);
    this.#lines[this.#row] = line.slice(0, this.#column) + character + line.slice(this.#column + 1);
    this.#column += 1;
    this.printed += 1;
  }
}
