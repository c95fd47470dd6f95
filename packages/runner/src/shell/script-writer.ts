/**
 * Writes the text of a script, statement by statement, in one script language. Files and directories are absolute; texts
 * and words reach what they are for unchanged.
 *
 * A statement that fails ends the script with its exit code, unless it says otherwise.
 */
export interface ScriptWriter {
  /** A user's entry: text of the language itself, and the check that follows each. */
  entry(text: string): void;
  /** Runs a program. */
  command(...words: readonly string[]): void;
  /** Runs a program with a text on its standard input; that it fails is of no interest. */
  attempt(words: readonly string[], input: string): void;
  /** Runs a program and goes on by whether it ended well. */
  ifSucceeds(
    words: readonly string[],
    options: { readonly isSilent: boolean },
    then: () => void,
    otherwise?: () => void,
  ): void;
  /** Runs a program silently and goes on by whether its output, on either stream, holds a text. */
  ifPrints(words: readonly string[], text: string, then: () => void, otherwise: () => void): void;

  /** Prints a line as it is. */
  print(text: string): void;
  /** Prints a green line. */
  notice(text: string): void;
  /** Prints a yellow line. */
  warning(text: string): void;
  /** Prints a text, green, in a section of the job log of its own. */
  printInSection(section: string, text: string): void;
  /** Says to a file that a user's entry begins, and how the one before it ended: `<index> <status>`. Never fails. */
  markEntry(file: string, index: number): void;

  /** Sets a variable of the environment. */
  export(name: string, value: string): void;
  /** Exports each line `NAME=value` of a file, which is made when it is not there. */
  exportFrom(file: string): void;

  writeFile(path: string, content: string): void;
  /** Adds an include of each configuration file that git would read as the user's own, where it can be read. */
  appendUserGitConfigs(path: string): void;
  makeDirectory(path: string): void;
  changeDirectory(path: string): void;
  removeFiles(...paths: readonly string[]): void;
  /** Removes files or directories with all below them, also what its owner may not write to. */
  removeTrees(...paths: readonly string[]): void;
  /** Removes what has one of these names, `*` allowed, below a directory that is there. */
  removeBelow(directory: string, kind: "files" | "directories", names: readonly string[]): void;
  ifDirectory(path: string, then: () => void): void;
  ifFile(path: string, then: () => void, otherwise: () => void): void;

  /** Begins to count what git receives; the number goes to a file. Languages that cannot count leave it out. */
  startCountingReceived(file: string): void;
  stopCountingReceived(): void;
}
