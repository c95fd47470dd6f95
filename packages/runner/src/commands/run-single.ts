import path from "node:path";
import { parseToml, readConfigText } from "../config/load-config.ts";
import type { RunnerManagerConfig } from "../config/manager-config.ts";
import { parseConfig } from "../config/parse-config.ts";
import type { Environment } from "../config/process-environment.ts";
import { startRunnerManager } from "../manager/start-runner-manager.ts";
import { CommandError } from "./command-io.ts";
import type { RunContext } from "./run-context.ts";
import { endAtOnce, serveUntilStopped } from "./serve-until-stopped.ts";
import { mergeTables, readSettings, type Table } from "./setting-flags.ts";

export interface RunSingleOptions {
  /** The `[[runners]]` table, keys as in the file. What is in it wins over `from`. */
  readonly runner: Readonly<Record<string, unknown>>;
  /** Its keys as flags: `["--docker-image", "alpine"]`. They win over environment variables. */
  readonly settingArgs?: readonly string[];
  /** A runner of a configuration file to begin with. */
  readonly from?: { readonly configFile: string; readonly name: string };
  /** Ends after so many jobs. 0 (default): never. */
  readonly maxBuilds?: number;
  /** Ends when there was no job for so many seconds. 0 (default): never. */
  readonly waitTimeoutS?: number;
  readonly workingDirectory?: string;
}

/**
 * Runs jobs of one runner, one at a time; it need not be in a configuration file.
 *
 * @returns the process's exit code, as for `run`. After 1, jobs may still be running: end the process.
 * @throws {ConfigError} @throws {CommandError}
 *
 * Rule: runner-protocol.md §6.8 and §6.9.
 */
export async function runSingle(options: RunSingleOptions, context: RunContext): Promise<0 | 1> {
  const { log, signals, environment } = context;
  const config = await configOf(options, environment);
  for (const warning of config.warnings) log.warn("configuration needs a look", { warning });
  const done = new AbortController();
  const idle = startIdleTimer(options.waitTimeoutS ?? 0, () => done.abort());
  let jobsLeft =
    options.maxBuilds === undefined || options.maxBuilds <= 0 ? Number.POSITIVE_INFINITY : options.maxBuilds;
  await using resources = new AsyncDisposableStack();
  const manager = resources.use(
    await startRunnerManager({
      config,
      log,
      environment,
      ...(options.workingDirectory === undefined ? {} : { workingDirectory: options.workingDirectory }),
      observer: {
        jobStarted: () => idle.pause(),
        jobEnded() {
          jobsLeft -= 1;
          // Before the worker is free again, so that not one job more is asked for.
          if (jobsLeft <= 0) done.abort();
          else idle.restart();
        },
      },
    }),
  );
  idle.restart();
  const { shutdownTimeoutMs } = config;
  const code = await serveUntilStopped({ manager, log, signals, shutdownTimeoutMs, onReload() {}, done: done.signal });
  idle.pause();
  if (code === 1) {
    resources.move();
    await endAtOnce(manager);
  }
  return code;
}

/** The file's settings, if there is one, for this runner alone. */
async function configOf(options: RunSingleOptions, environment: Environment): Promise<RunnerManagerConfig> {
  const { from } = options;
  const file = from === undefined ? undefined : path.resolve(from.configFile);
  const table = file === undefined ? {} : parseToml(await readConfigText(file), file);
  const base = from === undefined ? {} : findRunner(table, from.name, from.configFile);
  const merged = { ...base, ...options.runner };
  const executor = String(merged["executor"] ?? "");
  const settings = readSettings({ args: options.settingArgs ?? [], environment, executor });
  const runner = { ...mergeTables(base, settings), ...options.runner };
  const only = { ...table, concurrent: 1, runners: [runner] };
  return parseConfig(only, { environment, ...(file === undefined ? {} : { file }) });
}

function findRunner({ runners }: Readonly<Record<string, unknown>>, name: string, file: string): Table {
  const found = (Array.isArray(runners) ? (runners as Table[]) : []).find((runner) => runner["name"] === name);
  if (found === undefined) throw new CommandError(2, `no runner in ${file} has the name "${name}"`);
  return found;
}

function startIdleTimer(timeoutS: number, onTimeout: () => void) {
  let timer: NodeJS.Timeout | undefined;
  return {
    pause: () => clearTimeout(timer),
    restart() {
      clearTimeout(timer);
      if (timeoutS > 0) timer = setTimeout(onTimeout, timeoutS * 1000);
    },
  };
}
