import path from "node:path";
import type { z } from "zod";
import { freezeDeeply } from "../freeze-deeply.ts";
import { alignKeys } from "./align-keys.ts";
import { ConfigError, type ConfigProblem } from "./config-error.ts";
import { expandEnvironment } from "./expand-environment.ts";
import { logLevels } from "./log-levels.ts";
import type { RunnerManagerConfig } from "./manager-config.ts";
import { type Environment, processEnvironment, readProxyConfig } from "./process-environment.ts";
import { type ConfigTable, configTable } from "./schema/config-table.ts";
import { readSystemId } from "./system-id.ts";
import { keyText, type TelemetryFromEnvironment, withTelemetryEnvironment } from "./telemetry-environment.ts";
import { toRunnerConfig } from "./to-runner-config.ts";
import { toTelemetryConfig } from "./to-telemetry-config.ts";

export interface ParseConfigOptions {
  /** Absolute path of the file the table comes from: names it in messages, holds `certs/` and the system id beside it. */
  readonly file?: string;
  /** Default: this process's. */
  readonly environment?: Environment;
  /** What relative paths are relative to. Default: the process's working directory. */
  readonly workingDirectory?: string;
}

/**
 * Makes a frozen configuration of a table with the keys of `config.toml` (runner-protocol.md §6, telemetry.md).
 *
 * @throws {ConfigError} with every problem found.
 */
export function parseConfig(
  input: Readonly<Record<string, unknown>>,
  options: ParseConfigOptions = {},
): RunnerManagerConfig {
  const file = options.file ?? "configuration";
  const environment = options.environment ?? processEnvironment();
  const { table, unknownKeys } = alignKeys(configTable, input);
  expandRunners(table, environment);
  const { variableByKey, problems: wrongVariables } = readTelemetry(table, environment);

  const problems: ConfigProblem[] = unknownKeys
    .filter((key) => /^telemetry\./i.test(key))
    .map((key) => ({ key, message: "unknown key" }));
  problems.push(...wrongVariables);
  const parsed = configTable.safeParse(table, { reportInput: true });
  problems.push(...(parsed.error?.issues ?? []).map((issue) => toProblem(issue, variableByKey)));
  if (parsed.data === undefined) throw new ConfigError({ file, problems });

  const config = toConfig(parsed.data, { options, environment, problems, unknownKeys });
  if (problems.length > 0) throw new ConfigError({ file, problems });
  return freezeDeeply(config);
}

interface Context {
  readonly options: ParseConfigOptions;
  readonly environment: Environment;
  readonly problems: ConfigProblem[];
  readonly unknownKeys: readonly string[];
}

function toConfig(table: ConfigTable, { options, environment, problems, unknownKeys }: Context): RunnerManagerConfig {
  const directory = options.file === undefined ? undefined : path.dirname(options.file);
  const workingDirectory = options.workingDirectory ?? process.cwd();
  const { systemId, unkept } = readSystemId(directory);
  const warnings = warningsOf(table, unkept);
  const place = { environment, directory, workingDirectory, problems, warnings };
  return {
    configFile: options.file,
    concurrent: table.concurrent,
    checkIntervalMs: (table.check_interval > 0 ? table.check_interval : 3) * 1000,
    logLevel: logLevels[table.log_level],
    logFormat: table.log_format === "json" ? "json" : "human",
    listenAddress: table.listen_address || undefined,
    connectionMaxAgeMs: table.connection_max_age,
    user: table.user || undefined,
    shutdownTimeoutMs: (table.shutdown_timeout > 0 ? table.shutdown_timeout : 30) * 1000,
    systemId,
    warnings,
    proxy: readProxyConfig(environment),
    telemetry: toTelemetryConfig(table.telemetry, place),
    runners: table.runners.map((runner, index) =>
      toRunnerConfig(runner, {
        globalLabels: table.labels,
        key: `runners[${index}]`,
        directory,
        workingDirectory,
        problems,
      }),
    ),
    unknownKeys,
  };
}

function warningsOf({ session_server: session }: ConfigTable, unkept: Error | undefined): string[] {
  const warnings: string[] = [];
  if (unkept !== undefined) warnings.push(`the system id could not be kept beside the file: ${unkept.message}`);
  if (session?.["listen_address"] !== undefined)
    warnings.push("session_server has no effect: there is no web terminal");
  return warnings;
}

/** `$VAR` in `url` and `token`, before they are checked (runner-protocol.md §6.1). */
function expandRunners(table: Record<string, unknown>, environment: Environment): void {
  const runners: unknown = table["runners"];
  if (!Array.isArray(runners)) return;
  for (const runner of runners as Record<string, unknown>[]) {
    for (const key of ["url", "token"]) {
      const value = runner?.[key];
      if (typeof value === "string") runner[key] = expandEnvironment(value, environment);
    }
  }
}

/** The file's texts with the environment's values in them, below the variables that are keys of their own. */
function readTelemetry(
  table: Record<string, unknown>,
  environment: Environment,
): Pick<TelemetryFromEnvironment, "variableByKey" | "problems"> {
  const written = expandTexts(table["telemetry"] ?? {}, environment);
  if (typeof written !== "object" || written === null || Array.isArray(written)) {
    return { variableByKey: new Map(), problems: [] }; // The schema says what it expected instead.
  }
  const read = withTelemetryEnvironment(written as Record<string, unknown>, environment);
  table["telemetry"] = read.table;
  return read;
}

function expandTexts(value: unknown, environment: Environment): unknown {
  if (typeof value === "string") return expandEnvironment(value, environment);
  if (Array.isArray(value)) return value.map((item) => expandTexts(item, environment));
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, expandTexts(inner, environment)]));
}

const secretKeys = new Set([
  ...["token", "bearer_token", "headers", "client_secret", "proxy"],
  ...["AccessKey", "SecretKey", "SessionToken", "PrivateKey", "AccountKey"],
]);

function toProblem(issue: z.core.$ZodIssue, variableByKey: ReadonlyMap<string, string>): ConfigProblem {
  const place = keyText(issue.path);
  const variable = variableByKey.get(place) ?? variableByKey.get(place.replace(/(?:\[\d+\]|\.[^.[]*)$/, ""));
  const key = variable === undefined ? place : `${place} (${variable})`;
  if (issue.code === "invalid_type") {
    return {
      key,
      message: `expected ${issue.expected}, found ${issue.input === undefined ? "nothing" : typeof issue.input}`,
    };
  }
  const isSecret = issue.path.some((step) => secretKeys.has(String(step)));
  const isPlain = ["string", "number", "boolean"].includes(typeof issue.input);
  const message = issue.message.replace(/^Invalid option: /, "");
  return { key, message: isSecret || !isPlain ? message : `${message}, found ${JSON.stringify(issue.input)}` };
}
