/** One thing wrong with a configuration. */
export interface ConfigProblem {
  /** Where, as in the file: `runners[0].url`; empty for the file as a whole. */
  readonly key: string;
  /** What was found and what is expected; no secrets. */
  readonly message: string;
}

/** A configuration that cannot be used: all its problems, in the order of the file. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly code = "CONFIG_INVALID";
  readonly file: string;
  readonly problems: readonly ConfigProblem[];

  constructor(found: { readonly file: string; readonly problems: readonly ConfigProblem[] }, options?: ErrorOptions) {
    const { file, problems } = found;
    const lines = problems.map(({ key, message }) => `${file}: ${key === "" ? "" : `${key}: `}${message}`);
    super(lines.join("\n"), options);
    this.file = file;
    this.problems = problems;
  }
}
