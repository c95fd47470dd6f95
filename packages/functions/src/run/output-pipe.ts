import { execFile } from "node:child_process";
import { closeSync, constants, openSync, readSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const chunkBytes = 64 * 1024;
const maxDrainedChunks = 64;

/**
 * One pipe for standard output and error of all commands of a job.
 *
 * Node gives a child two socket pairs: what is written to both loses its order, and scripts that write to `/dev/stderr`
 * fail, because a socket cannot be opened by name. A named pipe has neither fault; it is unlinked as soon as it is open.
 */
export class OutputPipe implements Disposable {
  /** For a child's standard output and error. */
  readonly writeFd: number;
  readonly #readFd: number;
  readonly #reader: Socket;
  #receive: (chunk: Uint8Array) => void | Promise<void> = () => {};
  #delivered: Promise<void> = Promise.resolve();
  #failure: unknown;

  private constructor(readFd: number, writeFd: number) {
    this.writeFd = writeFd;
    this.#readFd = readFd;
    this.#reader = new Socket({ fd: readFd, readable: true, writable: false });
    this.#reader.on("data", (chunk) => this.#deliver(chunk));
    this.#reader.on("error", (error) => {
      this.#failure ??= error;
    });
    this.#reader.unref();
  }

  /** @throws when the system has no `mkfifo`. */
  static async open(): Promise<OutputPipe> {
    const directory = await mkdtemp(join(tmpdir(), "jobscope-output-"));
    try {
      const path = join(directory, "pipe");
      await promisify(execFile)("mkfifo", ["-m", "600", path]);
      // the reading end comes first and does not wait for a writer
      const readFd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
      return new OutputPipe(readFd, openSync(path, constants.O_WRONLY));
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  /** Sends what comes from now on to a receiver; its promise holds the writers back. */
  attach(receive: (chunk: Uint8Array) => void | Promise<void>): void {
    this.#receive = receive;
    this.#failure = undefined;
    this.#reader.ref();
  }

  /**
   * Hands over everything a process wrote that has ended, then stops receiving.
   *
   * @throws what the receiver threw.
   */
  async drain(): Promise<void> {
    for (let count = 0; count < maxDrainedChunks; count++) {
      await this.#delivered;
      if (this.#reader.readableLength > 0) {
        this.#reader.read(); // hands what is buffered to the listener
        continue;
      }
      const chunk = this.#readNow();
      if (chunk === undefined) break;
      this.#deliver(chunk);
    }
    await this.#delivered;
    this.#reader.unref();
    const failure = this.#failure;
    if (failure !== undefined) throw failure;
  }

  #deliver(chunk: Uint8Array): void {
    const delivering = this.#callReceiver(chunk);
    if (delivering === undefined) return;
    this.#reader.pause();
    this.#delivered = this.#whenSettled(this.#delivered, delivering);
  }

  async #whenSettled(earlier: Promise<void>, delivering: Promise<void>): Promise<void> {
    await earlier;
    try {
      await delivering;
    } catch (error) {
      this.#failure ??= error;
    }
    this.#reader.resume();
  }

  #callReceiver(chunk: Uint8Array): Promise<void> | undefined {
    try {
      return this.#receive(chunk) ?? undefined;
    } catch (error) {
      this.#failure ??= error;
      return undefined;
    }
  }

  /** What the pipe holds at this moment. */
  #readNow(): Uint8Array | undefined {
    const buffer = Buffer.allocUnsafe(chunkBytes);
    try {
      const length = readSync(this.#readFd, buffer);
      return length === 0 ? undefined : buffer.subarray(0, length);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EAGAIN") return undefined;
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#reader.destroy();
    closeSync(this.writeFd);
  }
}
