import type { Platform } from "../source/oci/platform.ts";
import type { HostFiles } from "./host-files.ts";

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

/** What a place where commands run brings along, when it is not this machine. */
export interface ForeignHost {
  /** What processes find in their environment there: the image's and the engine's settings. */
  readonly environment: Readonly<Record<string, string>>;
  /** For the choice of OCI images. */
  readonly platform: Platform;
  /** Command of a shell for script steps where the image has none. */
  readonly shell: readonly [program: string, ...args: string[]];
}

/**
 * Where the commands of functions run: this machine ({@link createLocalProcesses}) or a container
 * ({@link createContainerProcesses}). Commands of one job run one after another.
 */
export interface ProcessHost extends AsyncDisposable {
  readonly files: HostFiles;
  /** Undefined for this machine. */
  readonly foreign: ForeignHost | undefined;
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
}

/** The program is not there, may not be executed, or the system refused to start it. The message says which. */
export class ProcessStartError extends Error {
  override readonly name = "ProcessStartError";
}
