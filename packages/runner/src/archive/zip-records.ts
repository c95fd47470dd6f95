/**
 * The records of a zip archive as bytes: what stands before, after and beside the content of its entries.
 *
 * Sources: PKWARE APPNOTE 6.3.10 (§4.3, §4.4.4, §4.5.3), runner-protocol.md §3.8 for the extra fields.
 */

export interface ZipEntry {
  /** UTF-8; of a directory it ends in a slash. */
  readonly name: Buffer;
  readonly mode: number;
  readonly modified: Date;
  readonly uid: number;
  readonly gid: number;
  readonly method: number;
  /** Sizes and checksum follow the content; they are not known before. */
  readonly isStreamed: boolean;
  /** Of the local header, in the archive. */
  readonly offset: number;
  readonly crc32: number;
  readonly compressedBytes: number;
  readonly bytes: number;
}

export const zipMethods = { store: 0, deflate: 8, zstd: 93 } as const;

const maxUint32 = 0xffffffff;
const maxUint16 = 0xffff;
const madeByUnix = 3 << 8;
const utf8Names = 0x0800;
const sizesFollow = 0x0008;

/** What a local header says of sizes: nothing when they follow. */
export function localHeader(entry: ZipEntry): Buffer {
  const extra = extraFields(entry);
  const fixed = Buffer.alloc(30);
  fixed.writeUInt32LE(0x04034b50, 0);
  writeCommonFields(fixed, entry, 4);
  if (!entry.isStreamed) writeSizes(fixed, entry, 14);
  fixed.writeUInt16LE(entry.name.length, 26);
  fixed.writeUInt16LE(extra.length, 28);
  return Buffer.concat([fixed, entry.name, extra]);
}

/** Follows the content of a streamed entry. */
export function dataDescriptor(entry: ZipEntry): Buffer {
  const isLarge = entry.bytes >= maxUint32 || entry.compressedBytes >= maxUint32;
  const descriptor = Buffer.alloc(isLarge ? 24 : 16);
  descriptor.writeUInt32LE(0x08074b50, 0);
  descriptor.writeUInt32LE(entry.crc32, 4);
  if (isLarge) {
    descriptor.writeBigUInt64LE(BigInt(entry.compressedBytes), 8);
    descriptor.writeBigUInt64LE(BigInt(entry.bytes), 16);
  } else {
    descriptor.writeUInt32LE(entry.compressedBytes, 8);
    descriptor.writeUInt32LE(entry.bytes, 12);
  }
  return descriptor;
}

export function centralRecord(entry: ZipEntry): Buffer {
  const extra = Buffer.concat([largeSizes(entry), extraFields(entry)]);
  const fixed = Buffer.alloc(46);
  fixed.writeUInt32LE(0x02014b50, 0);
  fixed.writeUInt16LE(madeByUnix | 63, 4);
  writeCommonFields(fixed, entry, 6);
  writeSizes(fixed, entry, 16);
  fixed.writeUInt16LE(entry.name.length, 28);
  fixed.writeUInt16LE(extra.length, 30);
  const isDirectory = entry.name.at(-1) === 0x2f;
  fixed.writeUInt32LE((((entry.mode & maxUint16) << 16) | (isDirectory ? 0x10 : 0)) >>> 0, 38);
  fixed.writeUInt32LE(isLarge(entry) ? maxUint32 : entry.offset, 42);
  return Buffer.concat([fixed, entry.name, extra]);
}

/** The end of an archive, after its central records. */
export function endRecords(count: number, bytes: number, offset: number): Buffer {
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Math.min(count, maxUint16), 8);
  end.writeUInt16LE(Math.min(count, maxUint16), 10);
  end.writeUInt32LE(Math.min(bytes, maxUint32), 12);
  end.writeUInt32LE(Math.min(offset, maxUint32), 16);
  if (count < maxUint16 && bytes < maxUint32 && offset < maxUint32) return end;
  const large = Buffer.alloc(56);
  large.writeUInt32LE(0x06064b50, 0);
  large.writeBigUInt64LE(44n, 4);
  large.writeUInt16LE(madeByUnix | 63, 12);
  large.writeUInt16LE(45, 14);
  large.writeBigUInt64LE(BigInt(count), 24);
  large.writeBigUInt64LE(BigInt(count), 32);
  large.writeBigUInt64LE(BigInt(bytes), 40);
  large.writeBigUInt64LE(BigInt(offset), 48);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(offset + bytes), 8);
  locator.writeUInt32LE(1, 16);
  return Buffer.concat([large, locator, end]);
}

/** From the version that it takes to extract up to the date. */
function writeCommonFields(record: Buffer, entry: ZipEntry, at: number): void {
  record.writeUInt16LE(entry.method === zipMethods.zstd ? 63 : isLarge(entry) ? 45 : 20, at);
  record.writeUInt16LE(utf8Names | (entry.isStreamed ? sizesFollow : 0), at + 2);
  record.writeUInt16LE(entry.method, at + 4);
  const { time, date } = dosTime(entry.modified);
  record.writeUInt16LE(time, at + 6);
  record.writeUInt16LE(date, at + 8);
}

function writeSizes(record: Buffer, entry: ZipEntry, at: number): void {
  const isLargeEntry = isLarge(entry);
  record.writeUInt32LE(entry.crc32, at);
  record.writeUInt32LE(isLargeEntry ? maxUint32 : entry.compressedBytes, at + 4);
  record.writeUInt32LE(isLargeEntry ? maxUint32 : entry.bytes, at + 8);
}

function isLarge({ bytes, compressedBytes, offset }: ZipEntry): boolean {
  return bytes >= maxUint32 || compressedBytes >= maxUint32 || offset >= maxUint32;
}

/** Sizes and offset of an entry that needs more than four bytes for one of them; else nothing. */
function largeSizes(entry: ZipEntry): Buffer {
  if (!isLarge(entry)) return Buffer.alloc(0);
  const field = Buffer.alloc(28);
  field.writeUInt16LE(0x0001, 0);
  field.writeUInt16LE(24, 2);
  field.writeBigUInt64LE(BigInt(entry.bytes), 4);
  field.writeBigUInt64LE(BigInt(entry.compressedBytes), 12);
  field.writeBigUInt64LE(BigInt(entry.offset), 20);
  return field;
}

/** Time in seconds, and owner. */
function extraFields({ modified, uid, gid }: ZipEntry): Buffer {
  const fields = Buffer.alloc(9 + 15);
  fields.writeUInt16LE(0x5455, 0);
  fields.writeUInt16LE(5, 2);
  fields.writeUInt8(1, 4);
  fields.writeInt32LE(Math.max(-0x80000000, Math.min(0x7fffffff, Math.floor(modified.getTime() / 1000))), 5);
  fields.writeUInt16LE(0x7875, 9);
  fields.writeUInt16LE(11, 11);
  fields.writeUInt8(1, 13);
  fields.writeUInt8(4, 14);
  fields.writeUInt32LE(uid, 15);
  fields.writeUInt8(4, 19);
  fields.writeUInt32LE(gid, 20);
  return fields;
}

/** Two seconds exact, from 1980 on, in local time. */
function dosTime(time: Date): { readonly time: number; readonly date: number } {
  const year = Math.max(1980, Math.min(2107, time.getFullYear()));
  return {
    time: (time.getHours() << 11) | (time.getMinutes() << 5) | (time.getSeconds() >> 1),
    date: ((year - 1980) << 9) | ((time.getMonth() + 1) << 5) | time.getDate(),
  };
}
