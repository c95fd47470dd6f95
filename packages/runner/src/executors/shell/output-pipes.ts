import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, constants, mkdtempSync, openSync, unlinkSync } from "node:fs";
import { rm } from "node:fs/promises";
import { Socket } from "node:net";
import path from "node:path";
import { promisify } from "node:util";

/** Both ends of a pipe for a process's output. */
export interface OutputPipe {
  /** Readable stream of what the process writes; ends when the last process that has the other end is gone. */
  readonly source: Socket;
  /** For the process; to be closed here once it was started. */
  readonly childFd: number;
}

/**
 * Makes pipes for the output of jobs.
 *
 * Node's own are sockets, and a socket cannot be opened again: `echo text > /dev/stderr` and `tee /dev/stdout`, common
 * in scripts, fail on them. So a named pipe is made, opened at both ends and unlinked at once. Names are made in
 * batches, by one `mkfifo` process.
 */
export interface OutputPipeFactory extends AsyncDisposable {
  open(): Promise<OutputPipe>;
}

/** How many names one `mkfifo` process makes: two a script. */
const batchSize = 32;

/** @param parent directory for the directory of the names; it is made here and removed by disposal. */
export function createOutputPipeFactory(parent: string, directoryPrefix: string): OutputPipeFactory {
  let directory: string | undefined;
  const names: string[] = [];
  let making: Promise<void> | undefined;

  async function makeNames(): Promise<void> {
    directory ??= mkdtempSync(path.join(parent, directoryPrefix));
    const prefix = path.join(directory, randomBytes(6).toString("hex"));
    const batch = Array.from({ length: batchSize }, (_, index) => `${prefix}-${index}`);
    await promisify(execFile)("mkfifo", ["-m", "600", ...batch]);
    names.push(...batch);
  }

  async function takeName(): Promise<string> {
    for (;;) {
      const name = names.pop();
      if (name !== undefined) return name;
      making ??= makeNames().finally(() => {
        making = undefined;
      });
      await making;
    }
  }

  return {
    async open() {
      const name = await takeName();
      try {
        // The reader first, and without waiting for a writer; then the writer does not wait either.
        const readFd = openSync(name, constants.O_RDONLY | constants.O_NONBLOCK);
        const childFd = openSync(name, constants.O_WRONLY);
        return { source: new Socket({ fd: readFd, readable: true, writable: false }), childFd };
      } finally {
        unlinkSync(name);
      }
    },
    async [Symbol.asyncDispose]() {
      await making?.catch(() => undefined);
      names.length = 0;
      if (directory !== undefined) await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Closes an end that was handed to a process. */
export function closeChildEnd(pipe: OutputPipe): void {
  closeSync(pipe.childFd);
}
