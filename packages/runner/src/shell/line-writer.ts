import { ansi } from "./ansi.ts";

/** What writers of all script languages share: the lines, and how they colour what they print. */
export abstract class LineWriter {
  readonly #lines: string[] = [];

  get text(): string {
    return `${this.#lines.join("\n")}\n`;
  }

  /** Adds text of the language as it is. */
  line(text: string): void {
    this.#lines.push(text);
  }

  abstract print(text: string): void;

  notice(text: string): void {
    this.print(`${ansi.boldGreen}${text}${ansi.reset}`);
  }

  warning(text: string): void {
    this.print(`${ansi.yellow}${text}${ansi.reset}`);
  }
}
