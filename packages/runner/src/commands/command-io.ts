import type { Readable, Writable } from "node:stream";
import type { Environment } from "../config/process-environment.ts";

/** What a command reads from and writes to: the process's own, or a test's. */
export interface CommandIo {
  readonly stdin: Readable;
  /** Results and prompts. */
  readonly stdout: Writable;
  /** Warnings. */
  readonly stderr: Writable;
  readonly environment: Environment;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

/** A command that could not do what was asked; its message is for the user. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly code = "COMMAND_FAILED";
  /** 1: it was tried and failed; 2: it was asked for wrongly. */
  readonly exitCode: 1 | 2;

  constructor(exitCode: CommandError["exitCode"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

export function writeLine(stream: Writable, line: string): void {
  stream.write(`${line}\n`);
}

/** For what goes wrong beside the work: to the error stream. */
export function warnTo({ stderr }: Pick<CommandIo, "stderr">): { warn(message: string): void } {
  return { warn: (message) => writeLine(stderr, `WARNING: ${message}`) };
}
