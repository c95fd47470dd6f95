/** A labelled point on the time axis. */
export interface Tick {
  /** Cell from the left, 0-based. */
  readonly cell: number;
  readonly label: string;
}

const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400];

/**
 * Round points in time that leave room for their labels, from 0.
 *
 * @param durationNano what `width` cells stand for.
 */
export function timeTicks(durationNano: bigint, width: number): Tick[] {
  const seconds = Number(durationNano) / 1e9;
  if (seconds <= 0 || width < 8) return [{ cell: 0, label: "0s" }];
  const cellsPerSecond = width / seconds;
  const step = steps.find((candidate) => candidate * cellsPerSecond >= 9) ?? seconds;
  const ticks: Tick[] = [];
  for (let index = 0; index * step * cellsPerSecond <= width - 5; index++) {
    ticks.push({ cell: Math.round(index * step * cellsPerSecond), label: tickLabel(index * step) });
  }
  return ticks;
}

function tickLabel(seconds: number): string {
  if (seconds < 60) return `${Number(seconds.toFixed(1))}s`;
  if (seconds < 3600)
    return seconds % 60 === 0 ? `${seconds / 60}m` : `${Math.floor(seconds / 60)}m${Math.round(seconds % 60)}s`;
  const minutes = Math.round(seconds / 60);
  return minutes % 60 === 0 ? `${minutes / 60}h` : `${Math.floor(minutes / 60)}h${minutes % 60}m`;
}
