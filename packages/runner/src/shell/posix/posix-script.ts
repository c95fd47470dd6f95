import { ansi } from "../ansi.ts";
import type { Quote } from "../quote.ts";

/** The text of a script for a POSIX shell, written statement by statement. */
export class PosixScript {
  readonly quote: Quote;
  readonly #lines: string[] = [];

  constructor(quote: Quote) {
    this.quote = quote;
  }

  /** Adds shell text as it is. */
  line(text: string): void {
    this.#lines.push(text);
  }

  /** Adds a command; every argument reaches it unchanged. */
  command(...words: readonly string[]): void {
    this.line(this.words(words));
  }

  words(words: readonly string[]): string {
    return words.map(this.quote).join(" ");
  }

  /** Prints a green line. */
  notice(text: string): void {
    this.print(`${ansi.boldGreen}${text}${ansi.reset}`);
  }

  /** Prints a yellow line. */
  warning(text: string): void {
    this.print(`${ansi.yellow}${text}${ansi.reset}`);
  }

  /** Prints a line as it is: `echo` would read backslashes in some shells. */
  print(text: string): void {
    this.line(`printf '%s\\n' ${this.quote(text)}`);
  }

  export(name: string, value: string): void {
    this.line(`export ${this.quote(name)}=${this.quote(value)}`);
  }

  /** Writes a file, replacing it. */
  writeFile(path: string, content: string): void {
    this.line(`printf '%s' ${this.quote(content)} > ${this.quote(path)}`);
  }

  makeDirectory(path: string): void {
    this.line(`[ -d ${this.quote(path)} ] || mkdir -p ${this.quote(path)}`);
  }

  /** `if <condition>; then …; else …; fi`, where a branch without statements is left out. */
  when(condition: string, then: () => void, otherwise?: () => void): void {
    this.line(`if ${condition}; then`);
    then();
    if (otherwise !== undefined) {
      this.line("else");
      otherwise();
    }
    this.line("fi");
  }

  get text(): string {
    return `${this.#lines.join("\n")}\n`;
  }
}
