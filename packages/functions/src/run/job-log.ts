import type { JobLogSink } from "./run-options.ts";

const lineFeed = 0x0a;

/** The job log as the engine writes it: bytes of commands as they are, and lines of its own that begin on a fresh line. */
export class JobLog {
  readonly #sink: JobLogSink;
  #atLineStart = true;

  constructor(sink: JobLogSink) {
    this.#sink = sink;
  }

  write(chunk: Uint8Array): void | Promise<void> {
    if (chunk.length === 0) return;
    this.#atLineStart = chunk.at(-1) === lineFeed;
    return this.#sink.write(chunk);
  }

  async line(text: string): Promise<void> {
    await this.write(Buffer.from(`${this.#atLineStart ? "" : "\n"}${text}\n`));
  }
}
