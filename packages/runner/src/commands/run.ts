import { setTimeout as delay } from "node:timers/promises";
import type { Log } from "@jobscope/labkit";
import { ConfigError } from "../config/config-error.ts";
import { loadConfig } from "../config/load-config.ts";
import type { RunnerManagerConfig } from "../config/manager-config.ts";
import { watchConfig } from "../config/watch-config.ts";
import { startRunnerManager } from "../manager/start-runner-manager.ts";
import { countTrouble } from "../metrics/count-trouble.ts";
import { startMetrics } from "../metrics/start-metrics.ts";
import { holdMemoryDown } from "./hold-memory-down.ts";
import type { RunContext } from "./run-context.ts";
import { serveUntilStopped } from "./serve-until-stopped.ts";
import { startTokenRotation } from "./token-rotation.ts";

export interface RunOptions {
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
 * @throws {Error} when the metrics address cannot be listened on.
 */
export async function runRunners(options: RunOptions, context: RunContext): Promise<0 | 1> {
  const { config } = options;
  const { signals, environment } = context;
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
      const problems = error instanceof ConfigError ? error.problems : undefined;
      log.error("configuration not reloaded, the old one stays", { file, problems, err: error });
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
    // Whoever asked twice does not want to wait: job processes are ended, all else goes with this process.
    resources.move();
    await Promise.race([manager.kill(), delay(killMs, undefined, { ref: false })]);
  }
  return code;
}

/** Longest wait for job processes to end when the operator asked twice. */
const killMs = 6_000;

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
