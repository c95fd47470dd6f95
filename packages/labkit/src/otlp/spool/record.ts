import { crc32 } from "node:zlib";

/**
 * One entry of a segment file: `length` (4 bytes, of what follows the checksum), `checksum` (4, CRC-32 of the same), `kind`
 * (1), `id` (8), `closes` (8, 0 for none), payload. All numbers big-endian.
 */
export type SpoolEntry =
  /**
   * A finished span: an `ExportTraceServiceRequest` that holds only it. `closes`: the entry that was written when it began,
   * which is settled by this one; in one entry, so that no crash comes between the two.
   */
  | { readonly kind: "span"; readonly id: bigint; readonly closes: bigint; readonly payload: Buffer }
  /** A span that has begun, in the same form, without an end. */
  | { readonly kind: "open"; readonly id: bigint; readonly payload: Buffer }
  /** The span with this id is done with: accepted, or given up and counted. */
  | { readonly kind: "settled"; readonly id: bigint };

/** Where an entry was found. `end` is exclusive. */
export interface EntryPlace {
  readonly start: number;
  readonly end: number;
}

const headBytes = 8;
const fixedBodyBytes = 17;
const kindNumbers = { span: 1, settled: 2, open: 3 } as const;

/** No span of ours is that large; a length above it is a torn or foreign file. */
const maxBodyBytes = 16 * 1_024 * 1_024;

export function encodeEntry(entry: SpoolEntry): Buffer {
  const payload = entry.kind === "settled" ? Buffer.alloc(0) : entry.payload;
  const bytes = Buffer.alloc(headBytes + fixedBodyBytes + payload.length);
  bytes.writeUInt8(kindNumbers[entry.kind], headBytes);
  bytes.writeBigUInt64BE(entry.id, headBytes + 1);
  bytes.writeBigUInt64BE(entry.kind === "span" ? entry.closes : 0n, headBytes + 9);
  payload.copy(bytes, headBytes + fixedBodyBytes);
  const body = bytes.subarray(headBytes);
  bytes.writeUInt32BE(body.length, 0);
  bytes.writeUInt32BE(crc32(body), 4);
  return bytes;
}

/**
 * Reads entries until the end, or until the first one that is torn or damaged: what follows it was written later and its
 * borders are not known.
 */
export function* readEntries(bytes: Buffer): Generator<SpoolEntry & { readonly place: EntryPlace }> {
  let start = 0;
  while (start + headBytes + fixedBodyBytes <= bytes.length) {
    const length = bytes.readUInt32BE(start);
    const end = start + headBytes + length;
    if (length < fixedBodyBytes || length > maxBodyBytes || end > bytes.length) return;
    const body = bytes.subarray(start + headBytes, end);
    if (crc32(body) !== bytes.readUInt32BE(start + 4)) return;
    const entry = readBody(body);
    if (entry === undefined) return;
    yield { ...entry, place: { start, end } };
    start = end;
  }
}

function readBody(body: Buffer): SpoolEntry | undefined {
  const id = body.readBigUInt64BE(1);
  const payload = body.subarray(fixedBodyBytes);
  switch (body[0]) {
    case kindNumbers.span:
      return { kind: "span", id, closes: body.readBigUInt64BE(9), payload };
    case kindNumbers.open:
      return { kind: "open", id, payload };
    case kindNumbers.settled:
      return { kind: "settled", id };
    default:
      return undefined;
  }
}
