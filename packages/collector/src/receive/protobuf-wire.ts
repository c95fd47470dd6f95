import type protobuf from "protobufjs/minimal.js";
import { MalformedRequest } from "./otlp-model.ts";
import { TextCache } from "./text-cache.ts";

/** protobufjs' reader over a Buffer. */
export type Reader = protobuf.Reader;

/** Lives as long as the process: what one request said, the next one will say again. */
const texts = new TextCache();

/** Reads a message whose only field of interest is a repeated message. */
export function readMessages<T>(
  reader: Reader,
  end: number,
  field: number,
  read: (reader: Reader, end: number) => T,
): T[] {
  const messages: T[] = [];
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === delimited(field)) messages.push(read(reader, endOfMessage(reader, end)));
    else skip(reader, tag);
  }
  return messages;
}

/** Reads a length and returns where the message ends; one that would reach over its parent's end is malformed. */
export function endOfMessage(reader: Reader, parentEnd: number): number {
  const end = reader.uint32() + reader.pos;
  if (end > parentEnd) throw new MalformedRequest("a length in the protobuf body reaches over its message's end");
  return end;
}

/** Bytes as lower-case hex: how ids are written everywhere but on the wire. */
export function readHex(reader: Reader): string {
  const end = endOfBytes(reader);
  const hex = bytesOf(reader).toString("hex", reader.pos, end);
  reader.pos = end;
  return hex;
}

export function readText(reader: Reader): string {
  const end = endOfBytes(reader);
  const text = texts.read(bytesOf(reader), reader.pos, end);
  reader.pos = end;
  return text;
}

function endOfBytes(reader: Reader): number {
  return endOfMessage(reader, reader.len);
}

/** `Reader.create` was given a Buffer. */
function bytesOf(reader: Reader): Buffer {
  return reader.buf as Buffer;
}

export function readFixed64(reader: Reader): bigint {
  const low = reader.fixed32();
  return (BigInt(reader.fixed32()) << 32n) | BigInt(low);
}

/** Small integers, which nearly all are, take the short way; protobufjs would make a Long of each. */
export function readInt64(reader: Reader): bigint {
  const first = reader.buf[reader.pos] ?? 0;
  if (first < 128) return BigInt(reader.uint32());
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = reader.buf[reader.pos] ?? 0;
    if (reader.pos++ >= reader.len) break;
    value |= BigInt(byte & 127) << shift;
    if (byte < 128) return BigInt.asIntN(64, value);
  }
  throw new MalformedRequest("an integer in the protobuf body does not end");
}

/** Passes over a field of no interest. */
export function skip(reader: Reader, tag: number): void {
  reader.skipType(tag & 7);
}

/** The tag of a field of wire type 0; likewise below. */
export function varint(field: number): number {
  return field << 3;
}

export function fixed64(field: number): number {
  return (field << 3) | 1;
}

export function delimited(field: number): number {
  return (field << 3) | 2;
}
