import { randomInt } from "node:crypto";
import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { type Segment, type SegmentContent, type StoredSpan, scanSegment, segmentSuffix } from "./segment.ts";

/** What earlier processes left in an endpoint's folder. */
export interface Recovered {
  /** Oldest first. */
  readonly segments: Segment[];
  /** Spans that are not settled, in the order in which they were written. */
  readonly spans: readonly StoredSpan[];
  /** Unsettled spans that are too old to be sent. */
  readonly expiredSpans: number;
}

/** @throws the file system's error. A torn or damaged segment is no error: it ends there. */
export async function recoverSegments(folder: string, options: { maxAgeMs: number }): Promise<Recovered> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(segmentSuffix)).sort();
  const contents: SegmentContent[] = [];
  for (const name of names) contents.push(await scanSegment(join(folder, name)));
  const settled = new Set(contents.flatMap(({ settledIds }) => settledIds));
  const unsettled = contents.flatMap(({ spans }) => spans.filter(({ id }) => !settled.has(id)));
  const spans = unsettled.filter(({ segment }) => Date.now() - segment.modifiedAtMs <= options.maxAgeMs);
  return {
    segments: contents.map(({ segment }) => segment),
    spans,
    expiredSpans: unsettled.length - spans.length,
  };
}

/** When the process that wrote a segment was last seen writing, on the wall clock. */
export function lastSignsOfLife(segments: readonly Segment[]): (segment: Segment) => number {
  const lastByProcess = new Map<string, number>();
  for (const segment of segments) {
    const before = lastByProcess.get(processOf(segment)) ?? 0;
    lastByProcess.set(processOf(segment), Math.max(before, segment.modifiedAtMs));
  }
  return (segment) => lastByProcess.get(processOf(segment)) ?? segment.modifiedAtMs;
}

/**
 * What the names of a process's segments begin with. They have to sort behind all that it found, whatever the clock says
 * meanwhile: segments are deleted in that order, and the word that a span is settled must outlive the span.
 */
export function newProcessPrefix(found: readonly Segment[]): string {
  const latest = Math.max(0, ...found.map(({ path }) => Number.parseInt(basename(path), 10) || 0));
  return `${Math.max(Date.now(), latest + 1)}-${randomInt(2 ** 32).toString(16)}`;
}

/** The name of a segment is its process's prefix and a number. */
function processOf(segment: Segment): string {
  const name = basename(segment.path);
  return name.slice(0, name.lastIndexOf("-"));
}
