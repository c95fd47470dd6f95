import type { OutputSink } from "../../executor.ts";

/** Length of the header in front of each piece: stream, three zero bytes, length as big-endian 32 bits. */
const headerBytes = 8;

const streamOfStdout = 1;

/**
 * Hands on what a container without a terminal prints, no faster than the sinks take it, until the stream ends.
 *
 * Rule: Docker Engine API, "Attach to a container", stream format.
 */
export async function demultiplex(
  stream: AsyncIterable<Uint8Array>,
  onStdout: OutputSink,
  onStderr: OutputSink,
): Promise<void> {
  let header = Buffer.alloc(0);
  let sink: OutputSink = onStdout;
  let left = 0;
  for await (const chunk of stream) {
    let rest: Uint8Array = chunk;
    while (rest.length > 0) {
      if (left === 0) {
        const missing = headerBytes - header.length;
        header = Buffer.concat([header, rest.subarray(0, missing)]);
        rest = rest.subarray(missing);
        if (header.length < headerBytes) continue;
        sink = header[0] === streamOfStdout ? onStdout : onStderr;
        left = header.readUInt32BE(4);
        header = Buffer.alloc(0);
        continue;
      }
      const piece = rest.subarray(0, left);
      left -= piece.length;
      rest = rest.subarray(piece.length);
      await sink(piece);
    }
  }
}
