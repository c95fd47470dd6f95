import { crc32 } from "node:zlib";
import type { JobLogSource } from "../../src/coordinator-client/job-log-source.ts";

/** A job log in memory that a test writes. */
export interface TextLog extends JobLogSource {
  write(text: string): void;
}

export function aTextLog(text = ""): TextLog {
  let bytes = Buffer.from(text);
  return {
    get byteLength() {
      return bytes.length;
    },
    crc32: () => crc32(bytes).toString(16).padStart(8, "0"),
    read: async (offset, maxBytes) => bytes.subarray(offset, offset + maxBytes),
    write(more) {
      bytes = Buffer.concat([bytes, Buffer.from(more)]);
    },
  };
}
