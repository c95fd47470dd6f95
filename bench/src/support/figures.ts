/** One measured figure and what it is held against. */
export interface Figure {
  readonly what: string;
  readonly value: string;
  /** What it should be; empty for figures that only inform. */
  readonly target: string;
}

/** A benchmark: measures on this machine and returns its figures. Bounded in time; ends by itself. */
export interface Benchmark {
  readonly name: string;
  readonly title: string;
  /** What was done, so that somebody else can judge the figures. */
  readonly method: string;
  run(): Promise<readonly Figure[]>;
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}
