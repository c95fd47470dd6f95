import type { Readable, Writable } from "node:stream";

/** A program to start in the job's container. */
export interface ContainerCommand {
  readonly command: readonly string[];
  /** Default: the user of the container's processes. `0` is root. */
  readonly user?: string;
}

/** A program that runs in the job's container. */
export interface ContainerProcess extends Disposable {
  /** Its end reaches the program. */
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves when the program has ended; `undefined`: the connection to it was lost. Never rejects. */
  readonly ended: Promise<number | undefined>;
}

/**
 * Starts a program in the job's container, beside whatever runs there. Disposing the process lets go of its streams.
 *
 * @throws when the container or the program is not there.
 */
export type StartInContainer = (command: ContainerCommand) => Promise<ContainerProcess>;

const maxOutputBytes = 1024 * 1024;
const maxErrorCharacters = 2_000;

/** What a program that was waited for said. */
export interface ProgramOutcome {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  /** The beginning of standard error, on one line. */
  readonly errorText: string;
}

/** Waits for a program that says little. */
export async function outcomeOf(program: ContainerProcess): Promise<ProgramOutcome> {
  const [stdout, errorText, exitCode] = await Promise.all([
    beginningOf(program.stdout, maxOutputBytes),
    beginningOf(program.stderr, maxErrorCharacters),
    program.ended,
  ]);
  return { exitCode, stdout, errorText: errorText.trim().replaceAll(/\s*\n\s*/g, "; ") };
}

/** Reads to the end, keeps what fits. */
async function beginningOf(stream: Readable, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream as AsyncIterable<Uint8Array>) {
    if (length < maxBytes) chunks.push(chunk.subarray(0, maxBytes - length));
    length += chunk.length;
  }
  return Buffer.concat(chunks).toString();
}
