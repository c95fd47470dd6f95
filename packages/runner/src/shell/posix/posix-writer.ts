import { ansi } from "../ansi.ts";
import { LineWriter } from "../line-writer.ts";
import type { ScriptWriter } from "../script-writer.ts";
import { commandMark } from "./command-mark.ts";
import { startCountingReceived, stopCountingReceived } from "./count-received.ts";
import type { Quote } from "./quote.ts";

export interface PosixWriterOptions {
  readonly quote: Quote;
  /** `FF_ENABLE_BASH_EXIT_CODE_CHECK`: an explicit check after each entry, for users who switch `errexit` off. */
  readonly checksExitCodes: boolean;
}

/** Writes for every POSIX shell. `errexit` is on, so that a failing statement ends the script. */
export class PosixWriter extends LineWriter implements ScriptWriter {
  readonly quote: Quote;
  readonly #checksExitCodes: boolean;

  constructor({ quote, checksExitCodes }: PosixWriterOptions) {
    super();
    this.quote = quote;
    this.#checksExitCodes = checksExitCodes;
  }

  entry(text: string): void {
    this.line(text);
    if (!this.#checksExitCodes) return;
    this.line("_runner_exit_code=$?; if [ $_runner_exit_code -ne 0 ]; then exit $_runner_exit_code; fi");
  }

  command(...words: readonly string[]): void {
    this.line(this.#words(words));
  }

  attempt(words: readonly string[], input: string): void {
    this.line(`printf '%s' ${this.quote(input)} | ${this.#words(words)} || :`);
  }

  ifSucceeds(
    words: readonly string[],
    { isSilent }: { readonly isSilent: boolean },
    then: () => void,
    otherwise?: () => void,
  ): void {
    this.#when(`${this.#words(words)}${isSilent ? " >/dev/null 2>&1" : ""}`, then, otherwise);
  }

  ifPrints(words: readonly string[], text: string, then: () => void, otherwise: () => void): void {
    this.#when(`${this.#words(words)} 2>&1 | grep -q -F -e ${this.quote(text)}`, then, otherwise);
  }

  /** Not by `echo`, which reads backslashes in some shells. */
  override print(text: string): void {
    this.line(`printf '%s\\n' ${this.quote(text)}`);
  }

  printInSection(section: string, text: string): void {
    // `EPOCHSECONDS` saves a process, in the shells that have it.
    const now = `"\${EPOCHSECONDS:-$(date +%s)}"`;
    const heading = `[hide_duration=true,collapsed=true]\r${ansi.clearLine}${ansi.boldGreen}${text}${ansi.reset}`;
    this.line(`printf 'section_start:%s:%s%s\\n' ${now} ${section} ${this.quote(heading)}`);
    this.line(`printf 'section_end:%s:%s%s\\n' ${now} ${section} ${this.quote(`\r${ansi.clearLine}`)}`);
  }

  markEntry(file: string, index: number): void {
    this.line(commandMark(this.quote(file), index));
  }

  export(name: string, value: string): void {
    this.line(`export ${this.quote(name)}=${this.quote(value)}`);
  }

  exportFrom(file: string): void {
    const quoted = this.quote(file);
    this.line(`[ -e ${quoted} ] || : > ${quoted}`);
    const line = "_gitlab_env_line";
    this.line(
      `while read -r ${line} || [ -n "$${line}" ]; do [ -z "$${line}" ] || export "$${line}"; done < ${quoted}; unset ${line}`,
    );
  }

  writeFile(path: string, content: string): void {
    this.line(`printf '%s' ${this.quote(content)} > ${this.quote(path)}`);
  }

  appendUserGitConfigs(path: string): void {
    this.line(
      `for _gitconfig in "\${XDG_CONFIG_HOME:-$HOME/.config}/git/config" "$HOME/.gitconfig"; do ` +
        `if [ -r "$_gitconfig" ]; then printf '[include]\\n\\tpath = "%s"\\n' "$_gitconfig" >> ${this.quote(path)}; fi; ` +
        "done; unset _gitconfig",
    );
  }

  makeDirectory(path: string): void {
    this.line(`[ -d ${this.quote(path)} ] || mkdir -p ${this.quote(path)}`);
  }

  changeDirectory(path: string): void {
    this.command("cd", path);
  }

  removeFiles(...paths: readonly string[]): void {
    this.command("rm", "-f", ...paths);
  }

  removeTrees(...paths: readonly string[]): void {
    for (const path of paths) {
      const quoted = this.quote(path);
      this.line(`if [ -d ${quoted} ]; then chmod -R u+rwX ${quoted}; fi; rm -rf ${quoted}`);
    }
  }

  removeBelow(directory: string, kind: "files" | "directories", names: readonly string[]): void {
    const quoted = this.quote(directory);
    const anyName = names.map((name) => `-name ${this.quote(name)}`).join(" -o ");
    const find =
      kind === "files"
        ? `find ${quoted} -type f \\( ${anyName} \\) -exec rm -f {} +`
        : `find ${quoted} -depth -type d \\( ${anyName} \\) -exec rm -rf {} +`;
    this.ifDirectory(directory, () => this.line(find));
  }

  ifDirectory(path: string, then: () => void): void {
    this.#when(`[ -d ${this.quote(path)} ]`, then);
  }

  ifFile(path: string, then: () => void, otherwise: () => void): void {
    this.#when(`[ -e ${this.quote(path)} ]`, then, otherwise);
  }

  startCountingReceived(file: string): void {
    startCountingReceived(this, file);
  }

  stopCountingReceived(): void {
    stopCountingReceived(this);
  }

  #words(words: readonly string[]): string {
    return words.map(this.quote).join(" ");
  }

  #when(condition: string, then: () => void, otherwise?: () => void): void {
    this.line(`if ${condition}; then`);
    then();
    if (otherwise !== undefined) {
      this.line("else");
      otherwise();
    }
    this.line("fi");
  }
}
