import { fitText, plainText } from "./fit-text.ts";
import { formatDuration } from "./format-duration.ts";
import { type Palette, stateSymbol } from "./palette.ts";
import type { JobViewState, PipelineView } from "./pipeline-view.ts";
import { slowestPath } from "./slowest-path.ts";
import { legendLine, waterfallLines } from "./waterfall-lines.ts";
import { waterfallRows } from "./waterfall-row.ts";
import { type CategoryTime, whereTimeWent } from "./where-time-went.ts";

export interface ReportLook {
  /** Cells of a line. */
  readonly width: number;
  readonly palette: Palette;
}

/** A finished pipeline in full: every job with its tree, the slowest path marked, and where the time went. */
export function pipelineReport(pipeline: PipelineView, look: ReportLook): string[] {
  const path = slowestPath(pipeline);
  const startUnixNano = pipeline.startUnixNano ?? 0n;
  const window = { startUnixNano, endUnixNano: pipeline.endUnixNano ?? startUnixNano };
  return [
    ...waterfallLines(waterfallRows(pipeline, path), { ...look, window }),
    "",
    legendLine(look.palette, true),
    "",
    ...timeTableLines(whereTimeWent(pipeline, path), look),
  ];
}

/** `4 passed, 1 failed (allowed)`: how the jobs ended, in the order that a reader cares for. */
export function jobCounts(pipeline: PipelineView, palette: Palette): string {
  const counts = Map.groupBy(pipeline.jobs, (job) => job.state);
  const parts = countWords.flatMap(([state, word]) => {
    const count = counts.get(state)?.length ?? 0;
    return count === 0 ? [] : [palette.state(state, `${stateSymbol(state)} ${count} ${word}`)];
  });
  return parts.join("  ");
}

const countWords: readonly (readonly [JobViewState, string])[] = [
  ["failed", "failed"],
  ["warning", "failed, allowed"],
  ["retried", "failed, retried"],
  ["canceled", "canceled"],
  ["success", "passed"],
  ["running", "running"],
  ["pending", "queued"],
  ["waiting", "waiting"],
  ["manual", "manual"],
  ["skipped", "skipped"],
];

const shareWidth = 16;

function timeTableLines(times: readonly CategoryTime[], { palette }: ReportLook): string[] {
  const wholePath = total(times, (time) => time.slowestPathNano);
  const wholeJobs = total(times, (time) => time.allJobsNano);
  return [
    `  ${palette.bold(fitText("where the time went", 20))}${palette.dim(`${fitText("slowest path", 34)}all jobs together`)}`,
    ...times.map(({ category, slowestPathNano, allJobsNano }) =>
      [
        `  ${palette.category(category, fitText(category, 11))}`,
        durationAndShare(slowestPathNano, wholePath),
        palette.category(category, fitText(shareBar(slowestPathNano, wholePath), shareWidth)),
        `${durationAndShare(allJobsNano, wholeJobs)}`,
      ]
        .join("  ")
        .trimEnd(),
    ),
    `  ${fitText("total", 11)}  ${palette.bold(fitText(formatDuration(wholePath), 8, "right"))}${" ".repeat(5 + 2 + shareWidth + 2)}${palette.bold(fitText(formatDuration(wholeJobs), 8, "right"))}`,
  ];
}

function durationAndShare(nanos: bigint, whole: bigint): string {
  const percent = whole === 0n ? 0 : Math.round((Number(nanos) / Number(whole)) * 100);
  return `${fitText(formatDuration(nanos), 8, "right")}${fitText(`${percent}%`, 5, "right")}`;
}

function shareBar(nanos: bigint, whole: bigint): string {
  if (whole === 0n || nanos === 0n) return "";
  const eighths = Math.max(1, Math.round((Number(nanos) / Number(whole)) * shareWidth * 8));
  return "█".repeat(Math.floor(eighths / 8)) + ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8];
}

function total(times: readonly CategoryTime[], of: (time: CategoryTime) => bigint): bigint {
  return times.reduce((sum, time) => sum + of(time), 0n);
}

/** The last lines of a failed job's log, indented, under a heading. */
export function logTailLines(jobName: string, lines: readonly string[], { palette }: ReportLook): string[] {
  if (lines.length === 0) return [];
  const heading = `${palette.failed("✗")} ${palette.bold(plainText(jobName))} ${palette.dim("ended with:")}`;
  return [heading, ...lines.map((line) => `  ${palette.dim("│")} ${plainText(line)}`)];
}
