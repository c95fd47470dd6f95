import { createLog, type Log, type LogLevel } from "@jobscope/labkit";
import { logLevels, type RunnerManagerConfig } from "@jobscope/runner";
import type { Environment } from "./process-environment.ts";

/** Flags as commander gives them. */
type Flags = Readonly<Record<string, unknown>>;

const knownLevels: Readonly<Record<string, LogLevel>> = logLevels;

export interface RunnerLogOptions {
  readonly flags: Flags;
  readonly context: { readonly stderr: { readonly isTTY?: boolean }; readonly environment: Environment };
  readonly isDebug: boolean;
  /** Default: none, `info` and text for people. */
  readonly config?: Pick<RunnerManagerConfig, "logLevel" | "logFormat">;
  /** Takes a line. Default: standard error. */
  readonly write?: (line: string) => void;
}

export interface RunnerLog {
  readonly log: Log;
  /** Takes over a changed configuration's level; a flag's stays. */
  readonly follow: (config: Pick<RunnerManagerConfig, "logLevel">) => void;
}

/**
 * The log of a runner process. `--debug` (`RUNNER_DEBUG`) wins over `--log-level` (`LOG_LEVEL`), that over the
 * configuration; so do `--log-format` and `LOG_FORMAT`.
 */
export function createRunnerLog({ flags, context, isDebug, config, write }: RunnerLogOptions): RunnerLog {
  const { stderr, environment } = context;
  const debugs = isDebug || ["1", "true"].includes(environment["RUNNER_DEBUG"] ?? "");
  const fixed = debugs ? "debug" : knownLevels[String(flags["logLevel"])];
  let level = fixed ?? config?.logLevel ?? "info";
  const format = flags["logFormat"] ?? config?.logFormat;
  return {
    log: createLog({
      level: () => level,
      format: format === "json" ? "json" : "text",
      colors: stderr.isTTY === true,
      ...(write === undefined ? {} : { write }),
    }),
    follow(changed) {
      level = fixed ?? changed.logLevel;
    },
  };
}
