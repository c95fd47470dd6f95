import { type FileHandle, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { crc32 } from "node:zlib";
import type { JobLogSource } from "../../coordinator-client/job-log-source.ts";
import { ansi } from "../../shell/ansi.ts";
import { temporaryPrefix } from "../job-leftovers.ts";

/**
 * The stored job log: bytes are appended by the job and read by the reporter, from any offset.
 *
 * The first 64 KiB stay in memory, so that a small job touches no file; what follows goes to a temporary file. Beyond
 * the limit a notice is stored and the rest is dropped while appending still "succeeds" (runner-protocol.md §2.10).
 */
export interface JobLogBuffer extends JobLogSource, AsyncDisposable {
  /** Appends whole characters of UTF-8. The bytes are taken over: the caller must not change them afterwards. */
  append(bytes: Uint8Array): void;
  /**
   * Resolves when so little is waiting for the disk that more may be appended; `undefined` when that is so now. Waiting
   * for it is what slows a job down that prints faster than the disk writes.
   */
  drained(): Promise<void> | undefined;
}

export interface JobLogBufferOptions {
  /** `output_limit` in bytes (`RunnerConfig.outputLimitBytes`). Default: 4 MiB. */
  readonly limitBytes?: number;
  /** Directory for the temporary file. Default: the system's. */
  readonly directory?: string;
}

/** Bytes that stay in memory before a file is made, and that may wait for the disk. */
const memoryBytes = 64 * 1024;
const maxWaitingBytes = 1024 * 1024;

export function createJobLogBuffer(options: JobLogBufferOptions = {}): JobLogBuffer {
  const limitBytes = options.limitBytes ?? 4 * 1024 * 1024;
  const directory = options.directory ?? tmpdir();

  let byteLength = 0;
  let checksum = 0;
  let isFull = false;
  /** What is not on disk yet, in order; the first byte's offset is `storedBytes`. */
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  let storedBytes = 0;
  let file: Promise<{ handle: FileHandle; directory: string }> | undefined;
  let writing: Promise<void> | undefined;
  let writeError: Error | undefined;
  let isDisposed = false;

  function append(bytes: Uint8Array): void {
    if (isFull || isDisposed || bytes.length === 0) return;
    const room = limitBytes - byteLength;
    if (bytes.length <= room) {
      store(bytes);
      return;
    }
    isFull = true;
    store(cutAtCharacter(bytes, room));
    store(limitNotice(limitBytes));
  }

  function store(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    checksum = crc32(bytes, checksum);
    byteLength += bytes.length;
    waiting.push(bytes);
    waitingBytes += bytes.length;
    if (file !== undefined || waitingBytes > memoryBytes) writing ??= writeWaiting();
  }

  async function writeWaiting(): Promise<void> {
    try {
      file ??= openTemporaryFile(directory);
      const { handle } = await file;
      while (waiting.length > 0) {
        const bytes = Buffer.concat(waiting);
        const count = waiting.length;
        await writeAll(handle, bytes, storedBytes);
        waiting = waiting.slice(count);
        waitingBytes -= bytes.length;
        storedBytes += bytes.length;
      }
    } catch (error) {
      // A full disk: what was stored stays readable, the rest of the log is kept in memory up to its limit.
      writeError = error instanceof Error ? error : new Error(String(error));
    } finally {
      if (writeError === undefined) writing = undefined;
    }
  }

  async function read(offset: number, maxBytes: number): Promise<Uint8Array> {
    const end = Math.min(byteLength, offset + maxBytes);
    if (offset >= end) return new Uint8Array(0);
    if (offset < storedBytes && file !== undefined) {
      const { handle } = await file;
      const bytes = new Uint8Array(Math.min(end, storedBytes) - offset);
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, offset);
      return bytes.subarray(0, bytesRead);
    }
    return Uint8Array.from(Buffer.concat(waiting).subarray(offset - storedBytes, end - storedBytes));
  }

  return {
    get byteLength() {
      return byteLength;
    },
    crc32: () => checksum.toString(16).padStart(8, "0"),
    append,
    drained: () => (waitingBytes > maxWaitingBytes ? (writing ?? undefined) : undefined),
    read,
    async [Symbol.asyncDispose]() {
      if (isDisposed) return;
      isDisposed = true;
      await writing;
      if (file === undefined) return;
      const opened = await file.catch(() => undefined);
      await opened?.handle.close();
      if (opened !== undefined) await rm(opened.directory, { recursive: true, force: true });
    },
  };
}

/** Rule and wording: runner-protocol.md §2.10. */
function limitNotice(limitBytes: number): Uint8Array {
  const text =
    `\n${ansi.boldYellow}Job's log exceeded limit of ${limitBytes} bytes.\n` +
    `Job execution will continue but no more output will be collected.${ansi.reset}\n`;
  return Buffer.from(text);
}

/** The longest beginning of at most `length` bytes that ends with a whole character. */
function cutAtCharacter(bytes: Uint8Array, length: number): Uint8Array {
  let end = Math.max(0, length);
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.subarray(0, end);
}

async function openTemporaryFile(parent: string): Promise<{ handle: FileHandle; directory: string }> {
  const directory = await mkdtemp(path.join(parent, temporaryPrefix("log")));
  return { handle: await open(path.join(directory, "job.log"), "wx+", 0o600), directory };
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, position + written);
    written += bytesWritten;
  }
}
