/** A command as it is started: no shell, nothing inherited. */
export interface ProcessCommand {
  /** Program and arguments. A program with a slash is relative to `workDir`; another is searched on `PATH`. */
  readonly command: readonly [program: string, ...args: string[]];
  /** Absolute. */
  readonly workDir: string;
  /** The complete environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Standard output and error in the order written. A returned promise holds the process back until it settles. */
  readonly output: (chunk: Uint8Array) => void | Promise<void>;
  /** Asks the process group to end: SIGTERM, the grace period, SIGKILL (ci-functions.md §5.2). */
  readonly signal: AbortSignal;
}

export interface ProcessExit {
  /** -1 when a signal ended the process. */
  readonly exitCode: number;
  readonly killedBy: string | undefined;
}

/**
 * Where the commands of functions run: this machine ({@link createLocalProcesses}) or a container.
 *
 * Paths mean the same on both sides: whoever runs commands elsewhere mounts the job's directory, the function cache and
 * the temporary directory at the paths they have here. Commands of one job run one after another.
 */
export interface ProcessHost {
  /** Commands may run as another user than the engine: files made for them are then readable and writable by all. */
  readonly asAnyUser: boolean;
  /**
   * @returns when the process has ended and all it wrote before has been handed to `output`.
   * @throws {ProcessStartError} when the program cannot be started.
   */
  run(command: ProcessCommand): Promise<ProcessExit>;
  /**
   * The first candidate that exists and may be executed, as an absolute path. Bare names are searched on `path`.
   * @returns undefined when none does.
   */
  findProgram(candidates: readonly string[], path: string | undefined): Promise<string | undefined>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The program is not there, may not be executed, or the system refused to start it. The message says which. */
export class ProcessStartError extends Error {
  override readonly name = "ProcessStartError";
}
