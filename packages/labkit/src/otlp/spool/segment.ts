import { type FileHandle, open, readFile, rm, stat } from "node:fs/promises";
import { type EntryPlace, readEntries, type SpoolEntry } from "./record.ts";

/** One file of a spool. Written by one process, from its start to its end; read by whoever owns it. */
export interface Segment {
  readonly path: string;
  bytes: number;
  /** Spans in it that are not settled. */
  unsettled: number;
  /** Of a segment that an earlier process left: when it was last written, on the wall clock. */
  readonly modifiedAtMs: number;
  /** Deleted to make room, though not all of its spans were settled. */
  isGone: boolean;
}

/** A span in a segment. */
export interface StoredSpan {
  readonly id: bigint;
  /** It has begun; its end is not known. */
  readonly isOpen: boolean;
  readonly segment: Segment;
  readonly start: number;
  readonly end: number;
}

export const segmentSuffix = ".spool";

/** What a segment that an earlier process left holds. */
export interface SegmentContent {
  readonly segment: Segment;
  readonly spans: readonly StoredSpan[];
  readonly settledIds: readonly bigint[];
}

/** Reads a whole segment, without keeping its spans in memory. */
export async function scanSegment(path: string): Promise<SegmentContent> {
  const [bytes, { mtimeMs }] = await Promise.all([readFile(path), stat(path)]);
  const segment: Segment = { path, bytes: bytes.length, unsettled: 0, modifiedAtMs: mtimeMs, isGone: false };
  const spans: StoredSpan[] = [];
  const settledIds: bigint[] = [];
  for (const entry of readEntries(bytes)) {
    if (entry.kind === "settled") settledIds.push(entry.id);
    else spans.push({ id: entry.id, isOpen: entry.kind === "open", segment, ...entry.place });
    if (entry.kind === "span" && entry.closes !== 0n) settledIds.push(entry.closes);
  }
  return { segment, spans, settledIds };
}

/** Reads single entries of a segment; one that is no longer whole, or no span, is undefined. */
export async function readSpans(
  path: string,
  places: readonly EntryPlace[],
): Promise<(Exclude<SpoolEntry, { kind: "settled" }> | undefined)[]> {
  await using file = await open(path, "r");
  const spans: (Exclude<SpoolEntry, { kind: "settled" }> | undefined)[] = [];
  for (const { start, end } of places) {
    const bytes = Buffer.alloc(end - start);
    await file.read(bytes, 0, bytes.length, start);
    const [entry] = readEntries(bytes);
    spans.push(entry?.kind === "settled" ? undefined : entry);
  }
  return spans;
}

/** The segment that is being written. */
export interface SegmentWriter {
  readonly segment: Segment;
  /** Appends; gives the place of the first byte. @throws the file system's error; the segment then ends there. */
  append(bytes: Buffer): Promise<number>;
  close(): Promise<void>;
}

/** @throws the file system's error. */
export async function createSegment(path: string, options: { fsync: "never" | "always" }): Promise<SegmentWriter> {
  // Only for our eyes: spans are masked, but they tell what a project does.
  const file: FileHandle = await open(path, "wx", 0o600);
  const segment: Segment = { path, bytes: 0, unsettled: 0, modifiedAtMs: Date.now(), isGone: false };
  return {
    segment,
    async append(bytes) {
      const start = segment.bytes;
      for (let written = 0; written < bytes.length; ) {
        written += (await file.write(bytes, written, bytes.length - written, start + written)).bytesWritten;
      }
      if (options.fsync === "always") await file.datasync();
      segment.bytes += bytes.length;
      return start;
    },
    close: () => file.close(),
  };
}

export async function removeSegment(segment: Segment): Promise<void> {
  await rm(segment.path, { force: true });
}
