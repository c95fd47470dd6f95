import { userInfo } from "node:os";
import type { Log } from "@jobscope/labkit";
import { ConfigError } from "../config/config-error.ts";
import { loadConfig } from "../config/load-config.ts";
import type { RunnerManagerConfig } from "../config/manager-config.ts";
import { watchConfig } from "../config/watch-config.ts";
import { startRunnerManager } from "../manager/start-runner-manager.ts";
import { countTrouble } from "../metrics/count-trouble.ts";
import { startMetrics } from "../metrics/start-metrics.ts";
import { CommandError } from "./command-io.ts";
import { holdMemoryDown } from "./hold-memory-down.ts";
import type { RunContext } from "./run-context.ts";
import { endAtOnce, serveUntilStopped } from "./serve-until-stopped.ts";
import { startTokenRotation } from "./token-rotation.ts";

export interface RunOptions {
  /** Whose jobs run; wins over the file's `user`. Only the user of this process can be served. */
  readonly user?: string | undefined;
  /** As `loadConfig` gave it; its file is watched for changes. */
  readonly config: RunnerManagerConfig;
  /** Wins over the file's `listen_address`. */
  readonly listenAddress?: string | undefined;
  /** Where `builds/` and `cache/` go unless configured. Default: the process's working directory. */
  readonly workingDirectory?: string;
}

/**
 * The daemon: runs jobs until a signal ends it. For a process of its own, whose memory settings it changes.
 *
 * @returns the process's exit code (runner-protocol.md §6.8). After 1, jobs may still be running: end the process.
 * @throws {CommandError} when jobs should run as another user. @throws {Error} when the metrics address cannot be
 *   listened on.
 */
export async function runRunners(options: RunOptions, context: RunContext): Promise<0 | 1> {
  const { config } = options;
  const { signals, environment } = context;
  refuseOtherUser(options.user ?? config.user);
  holdMemoryDown();

  await using resources = new AsyncDisposableStack();
  const metrics = resources.use(await startMetrics(options.listenAddress ?? config.listenAddress, config.systemId));
  const log = countTrouble(context.log, metrics.recorder);
  metrics.recorder.configLoaded("loaded");
  const told = new Set<string>();
  tellOfConfig(config, log, told);
  const manager = resources.use(
    await startRunnerManager({
      config,
      log,
      environment,
      metrics: metrics.recorder,
      ...(options.workingDirectory === undefined ? {} : { workingDirectory: options.workingDirectory }),
    }),
  );
  metrics.observe(manager);
  if (metrics.url !== undefined) log.info("metrics are served", { url: `${metrics.url}/metrics` });
  log.info("runner started", { runners: config.runners.length, concurrent: config.concurrent });

  const watch = resources.use(
    config.configFile === undefined
      ? { reload() {}, [Symbol.dispose]() {} }
      : watchConfig(config.configFile, () => reload(config.configFile ?? "")),
  );
  if (config.configFile !== undefined) {
    resources.use(startTokenRotation(config.configFile, { ...context, log }, metrics.recorder));
  }

  /** Takes over the changed file; one that cannot be used leaves everything as it is (runner-protocol.md §6.1). */
  async function reload(file: string): Promise<void> {
    try {
      const changed = await loadConfig(file, { environment });
      context.onConfig?.(changed);
      manager.reconfigure(changed);
      tellOfConfig(changed, log, told);
      metrics.recorder.configLoaded("loaded");
      log.info("configuration reloaded", { file });
    } catch (error) {
      metrics.recorder.configLoaded("failed");
      // The causes of a problem may quote the file, and with it a token.
      const why = error instanceof ConfigError ? { problems: error.problems } : { err: error };
      log.error("configuration not reloaded, the old one stays", { file, ...why });
    }
  }

  const code = await serveUntilStopped({
    manager,
    log,
    signals,
    shutdownTimeoutMs: config.shutdownTimeoutMs,
    onReload: () => watch.reload(),
  });
  log.info("runner stopped", { exitCode: code });
  if (code === 1) {
    resources.move();
    await endAtOnce(manager);
  }
  return code;
}

/** To go on would run jobs with rights that the operator did not mean them to have: root's, mostly. */
function refuseOtherUser(wanted: string | undefined): void {
  const { username } = userInfo();
  if (wanted === undefined || wanted === "" || wanted === username) return;
  throw new CommandError(
    2,
    `user = "${wanted}": jobs run as the user of this process, which is ${username}. Start it as ${wanted} instead ` +
      `(docs/systemd.md: User=${wanted})`,
  );
}

/** What the operator should know of a configuration; what was told of one before it is not told again. */
function tellOfConfig(config: RunnerManagerConfig, log: Log, told: Set<string>): void {
  const once = (text: string, tell: () => void) => {
    if (told.has(text)) return;
    told.add(text);
    tell();
  };
  for (const warning of config.warnings) {
    once(warning, () => log.warn("configuration needs a look", { warning }));
  }
  for (const key of config.unknownKeys) {
    once(`key ${key}`, () => log.warn("configuration key is not known and has no effect", { key }));
  }
  warnOfStarvation(config, log);
}

/** A held request occupies a worker: with more runners than workers some would starve (runner-protocol.md §6.7). */
function warnOfStarvation({ runners, concurrent }: RunnerManagerConfig, log: Log): void {
  if (runners.length <= concurrent) return;
  log.warn("CONFIGURATION: Long polling issues detected. Raise concurrent to at least the number of runners", {
    concurrent,
    runners: runners.length,
  });
}
