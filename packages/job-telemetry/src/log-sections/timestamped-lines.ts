/** Length of the header of each physical line. Source: runner-protocol.md §2.4.4. */
export const lineHeaderBytes = 32;

/** `2026-08-22T00:00:00.000001Z 00O ` or, continuing a line, `2026-08-22T00:00:00.000001Z 01E+`. */
const headerPattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z ([0-9a-f]{2}[OE])([ +])$/;
const lineFeed = Buffer.from("\n");
/** Lines without a header are kept apart from all streams. */
const noStream = "";

/** Whether these bytes are the header of a timestamped line. */
export function isLineHeader(bytes: Buffer): boolean {
  return bytes.length === lineHeaderBytes && headerPattern.test(bytes.toString("latin1"));
}

/**
 * Takes the headers off a timestamped job log and puts the lines of each of its streams together again, wherever its
 * chunks are cut. Keeps at most one header between chunks.
 *
 * Rule: runner-protocol.md §2.4.4: the line feed before a line that continues another of its stream is not the text's.
 */
export class TimestampedLines {
  #header: Buffer = Buffer.alloc(0);
  /** The stream whose line the next bytes belong to; undefined where a line begins. */
  #stream: string | undefined;

  /** Tells `text` of the bytes of each stream, in order. They are part of the chunk: copy what must last. */
  push(chunk: Buffer, text: (stream: string, bytes: Buffer) => void): void {
    let from = 0;
    while (from < chunk.length) {
      from =
        this.#stream === undefined
          ? this.#readHeader(chunk, from, text)
          : this.#readText(this.#stream, chunk, from, text);
    }
  }

  #readHeader(chunk: Buffer, from: number, text: (stream: string, bytes: Buffer) => void): number {
    const part = chunk.subarray(from, from + lineHeaderBytes - this.#header.length);
    const end = part.indexOf(lineFeed);
    const header = Buffer.concat([this.#header, end === -1 ? part : part.subarray(0, end)]);
    if (end === -1 && header.length < lineHeaderBytes) {
      this.#header = header;
      return chunk.length;
    }
    this.#header = Buffer.alloc(0);
    this.#beginLine(header, text);
    return from + (end === -1 ? part.length : end);
  }

  #beginLine(header: Buffer, text: (stream: string, bytes: Buffer) => void): void {
    const match = headerPattern.exec(header.toString("latin1"));
    this.#stream = match?.[1] ?? noStream;
    if (match?.[2] !== "+") text(this.#stream, lineFeed);
    if (match === null) text(noStream, header);
  }

  #readText(stream: string, chunk: Buffer, from: number, text: (stream: string, bytes: Buffer) => void): number {
    const end = chunk.indexOf(lineFeed, from);
    const line = chunk.subarray(from, end === -1 ? chunk.length : end);
    if (line.length > 0) text(stream, line);
    if (end !== -1) this.#stream = undefined;
    return end === -1 ? chunk.length : end + 1;
  }
}
