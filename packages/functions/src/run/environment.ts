import { FunctionError } from "../function-error.ts";

/** Explicit `env` of one step or definition, inside those of its callers. */
export interface EnvScope {
  readonly outer: EnvScope | undefined;
  readonly entries: ReadonlyMap<string, string>;
}

/**
 * The environment that all steps of a job share: the base, and over it what steps have exported so far
 * (ci-functions.md §4.6, ranks 4 to 6).
 */
export class JobEnvironment {
  readonly #base: Readonly<Record<string, string>>;
  readonly #exported = new Map<string, string>();

  constructor(base: Readonly<Record<string, string>>) {
    this.#base = base;
  }

  /** Makes a step's exports visible to everything that starts later; the latest wins. */
  export(entries: ReadonlyMap<string, string>): void {
    for (const [name, value] of entries) this.#exported.set(name, value);
  }

  /**
   * The complete environment of a function. From weakest to strongest: base, `telemetry` (such as `TRACEPARENT`),
   * exports, then the explicit scopes from the outside in.
   */
  compose(telemetry: Readonly<Record<string, string>>, scope: EnvScope | undefined): Record<string, string> {
    const env = { ...this.#base, ...telemetry };
    for (const [name, value] of this.#exported) env[name] = value;
    applyScope(env, scope);
    return env;
  }
}

function applyScope(env: Record<string, string>, scope: EnvScope | undefined): void {
  if (scope === undefined) return;
  applyScope(env, scope.outer);
  for (const [name, value] of scope.entries) env[name] = value;
}

const logLevels = ["debug", "info", "warn", "error"];

/**
 * Value of `CI_STEPS_LOG_LEVEL`, which every step sees (§4.6): the job variable's, else the environment's, else `info`.
 *
 * @throws {FunctionError} for any other level.
 */
export function stepsLogLevel(jobVariable: string | undefined, environment: string | undefined): string {
  const level = (jobVariable ?? environment ?? "info").toLowerCase();
  if (logLevels.includes(level)) return level;
  throw new FunctionError(`CI_STEPS_LOG_LEVEL must be one of ${logLevels.join(", ")}`, { code: "invalid_definition" });
}
