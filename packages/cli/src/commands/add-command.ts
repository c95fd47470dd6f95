import type { Command } from "commander";
import type { CommandContext } from "../context.ts";
import type { ExitCode } from "../run-command-line.ts";

/** What a command needs to add itself to the program. */
export interface AddCommand {
  readonly program: Command;
  readonly context: CommandContext;
  /** The exit code of a command that ends without an error; 0 when it is not called. */
  readonly exitWith: (exitCode: ExitCode) => void;
}

/** The text below a command's options. */
export function examples(...lines: readonly (readonly [command: string, what: string])[]): string {
  const width = Math.max(...lines.map(([command]) => command.length));
  return `\nExamples:\n${lines.map(([command, what]) => `  ${command.padEnd(width)}  ${what}`).join("\n")}\n`;
}

/** For options that may be repeated. */
export function collect(value: string, previous: readonly string[]): string[] {
  return [...previous, value];
}
