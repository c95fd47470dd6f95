/** One thing that is wrong with how the collector was asked to start. */
export interface ConfigProblem {
  /** The option, as `startCollector` names it (`otlpHttp`, `store.dataDir`, …). */
  readonly key: string;
  /** What was found and what is expected, in one sentence. */
  readonly problem: string;
}

/** The collector cannot start with these options: an address is taken, the data directory belongs to another process, … */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly code = "COLLECTOR_CONFIG";
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[], options?: ErrorOptions) {
    super(problems.map(({ key, problem }) => `${key}: ${problem}`).join("\n"), options);
    this.problems = problems;
  }
}
