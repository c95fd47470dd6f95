import { isUtf8 } from "node:buffer";

/** Replaces what is no UTF-8 in one byte stream by U+FFFD, however it is cut into chunks. Rule: runner-protocol.md §2.10. */
export class Utf8Repair {
  /** The first bytes of a character whose rest has not come: at most three. */
  #beginning: Uint8Array = new Uint8Array(0);

  /** Takes the next bytes and gives whole characters. */
  write(chunk: Uint8Array): Uint8Array {
    const bytes = this.#beginning.length === 0 ? chunk : Buffer.concat([this.#beginning, chunk]);
    const end = bytes.length - unfinishedBytes(bytes);
    this.#beginning = Uint8Array.from(bytes.subarray(end));
    return repaired(bytes.subarray(0, end));
  }

  /** The end of the stream: a character cut short becomes U+FFFD. */
  end(): Uint8Array {
    const rest = this.#beginning;
    this.#beginning = new Uint8Array(0);
    return repaired(rest);
  }
}

function repaired(bytes: Uint8Array): Uint8Array {
  if (isUtf8(bytes)) return bytes;
  return Buffer.from(new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes));
}

/** How many bytes at the end begin a character that the next chunk may finish. */
function unfinishedBytes(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return characterLength(byte) > back ? back : 0;
  }
  return 0;
}

function characterLength(firstByte: number): number {
  if (firstByte >= 0xf0) return 4;
  return firstByte >= 0xe0 ? 3 : 2;
}
