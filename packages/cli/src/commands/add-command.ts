import type { Command } from "commander";
import type { CommandContext } from "../context.ts";
import type { ExitCode } from "../exit-code.ts";

/**
 * What a command needs to add itself to the program.
 *
 * Files in this folder only say what a command line looks like. What a command does is imported when it is called, so
 * that `jobscope --help` loads no database engine and `jobscope sql` no runner.
 */
export interface AddCommand {
  readonly program: Command;
  readonly context: CommandContext;
  /** The exit code of a command that ends without an error; 0 when it is not called. */
  readonly exitWith: (exitCode: ExitCode) => void;
}

/** The text below a command's options. */
export function examples(...lines: readonly (readonly [command: string, what: string])[]): string {
  const width = Math.min(62, Math.max(...lines.map(([command]) => command.length)));
  return `\nExamples:\n${lines.map(([command, what]) => `  ${command.padEnd(width)}  ${what}`).join("\n")}\n`;
}

/** For options that may be repeated; one that is not given stays `undefined`. */
export function collect(value: string, previous: readonly string[] = []): string[] {
  return [...previous, value];
}

/** `--debug`, which may stand before or after the command's name. */
export function isDebug(program: Command): boolean {
  return program.opts<{ debug?: boolean }>().debug === true;
}
