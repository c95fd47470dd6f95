import type { WaterfallRow } from "./waterfall-row.ts";

/**
 * Makes a waterfall fit a height without hiding what is going on: what is over folds first, what runs folds last.
 *
 * The steps, each taken only while there are too many rows: spans of jobs that went well, oldest first; spans of jobs
 * that did not; headings; jobs that have not begun, from the last one on, as one line; jobs that went well, oldest
 * first, likewise; spans of running jobs; and last the tail is cut, with a line that counts it.
 *
 * @param maxRows at least 1.
 */
export function foldRows(rows: readonly WaterfallRow[], maxRows: number): WaterfallRow[] {
  let folded = [...rows];
  const fits = (): boolean => folded.length <= maxRows;
  for (const jobId of endedJobs(rows, isFine)) if (!fits()) folded = withoutSpansOf(folded, jobId);
  for (const jobId of endedJobs(rows, (row) => !isFine(row))) if (!fits()) folded = withoutSpansOf(folded, jobId);
  if (!fits()) folded = folded.filter((row) => row.kind !== "stage");
  if (!fits()) folded = asOneLine(folded, jobsAhead(folded), maxRows, "have not begun");
  if (!fits()) folded = asOneLine(folded, endedJobs(folded, isFine), maxRows, "are done");
  if (!fits()) folded = folded.filter((row) => row.kind !== "span");
  if (fits()) return folded;
  const kept = folded.slice(0, Math.max(0, maxRows - 1));
  return [...kept, moreRow(`${folded.length - kept.length} more`)];
}

function endedJobs(rows: readonly WaterfallRow[], of: (row: WaterfallRow) => boolean): number[] {
  return rows
    .filter((row) => row.kind === "job" && hasEnded(row) && of(row))
    .toSorted((a, b) => Number((a.endUnixNano ?? 0n) - (b.endUnixNano ?? 0n)))
    .flatMap((row) => (row.jobId === undefined ? [] : [row.jobId]));
}

function withoutSpansOf(rows: readonly WaterfallRow[], jobId: number): WaterfallRow[] {
  return rows.filter((row) => row.kind !== "span" || row.jobId !== jobId);
}

/** Those at the end first: they are furthest away. */
function jobsAhead(rows: readonly WaterfallRow[]): number[] {
  const ahead = rows.filter((row) => row.kind === "job" && isAhead(row));
  return ahead.toReversed().flatMap((row) => (row.jobId === undefined ? [] : [row.jobId]));
}

/** Replaces as many of these jobs as it takes, first ones first, by one line where the topmost of them stood. */
function asOneLine(
  rows: readonly WaterfallRow[],
  candidates: readonly number[],
  maxRows: number,
  what: string,
): WaterfallRow[] {
  const tooMany = rows.length - maxRows;
  const jobIds = new Set<number | undefined>(candidates.slice(0, Math.max(2, tooMany + 1)));
  if (jobIds.size < 2) return [...rows];
  const first = rows.findIndex((row) => jobIds.has(row.jobId));
  const line = moreRow(`${jobIds.size} jobs ${what}`);
  return rows.flatMap((row, index) => (index === first ? [line] : jobIds.has(row.jobId) ? [] : [row]));
}

function moreRow(label: string): WaterfallRow {
  const nothing = { jobId: undefined, note: "", startUnixNano: undefined, endUnixNano: undefined, segments: [] };
  return { kind: "more", depth: 0, label, state: "waiting", isOnSlowestPath: false, ...nothing };
}

function isAhead({ state }: WaterfallRow): boolean {
  return state === "waiting" || state === "manual" || state === "skipped";
}

function hasEnded({ state }: WaterfallRow): boolean {
  return state !== "running" && state !== "pending" && state !== "waiting" && state !== "manual";
}

function isFine({ state }: WaterfallRow): boolean {
  return state === "success" || state === "skipped";
}
