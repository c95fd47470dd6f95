import { createLog, type Log } from "@jobscope/labkit";
import { loadConfig, type RunnerManager, startRunnerManager } from "@jobscope/runner";
import type { CommandContext } from "../context.ts";
import type { ExitCode } from "../exit-code.ts";

/**
 * `jobscope run`: the runner, until a signal.
 *
 * Rule: runner-protocol.md §6.9. SIGQUIT drains; SIGTERM and SIGINT abort; a second forcing signal ends at once with
 * exit code 1; SIGHUP reads the configuration again.
 *
 * @throws {ConfigError} when the configuration cannot be used.
 */
export async function runRunner(
  flags: { readonly config: string },
  { stderr }: CommandContext,
  { isDebug }: { isDebug: boolean },
): Promise<ExitCode> {
  const config = await loadConfig(flags.config);
  const log = createLog({
    level: isDebug ? "debug" : config.logLevel,
    format: config.logFormat === "json" ? "json" : "text",
    colors: stderr.isTTY === true,
  });
  await using manager = startRunnerManager({ config, log });
  log.info("runner started", { "config.file": flags.config, "runner.count": config.runners.length });
  const ending = await endingOf(manager, flags.config, log);
  log.info("runner stopped", { ending });
  return ending === "at once" ? 1 : 0;
}

/** Resolves when the process shall end; what is left to do then is the manager's dispose. */
async function endingOf(
  manager: RunnerManager,
  configFile: string,
  log: Log,
): Promise<"drained" | "aborted" | "at once"> {
  const { promise, resolve } = Promise.withResolvers<"drained" | "aborted" | "at once">();
  const handlers: Record<"SIGQUIT" | "SIGTERM" | "SIGINT" | "SIGHUP", () => void> = {
    SIGQUIT: () => void drain(manager, log).then(() => resolve("drained")),
    SIGTERM: () => resolve("aborted"),
    SIGINT: () => resolve("aborted"),
    SIGHUP: () => void reload(manager, configFile, log),
  };
  for (const [signal, handler] of Object.entries(handlers)) process.on(signal, handler);
  const ending = await promise;
  // From here on a forcing signal means: now.
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.removeAllListeners(signal);
    process.once(signal, () => process.exit(1));
  }
  return ending;
}

async function drain(manager: RunnerManager, log: Log): Promise<void> {
  log.info("waiting for running jobs", { "jobs.running": manager.runningJobs.length });
  manager.stop();
  await manager.drain(new AbortController().signal);
}

async function reload(manager: RunnerManager, configFile: string, log: Log): Promise<void> {
  try {
    manager.reconfigure(await loadConfig(configFile));
    log.info("configuration read again", { "config.file": configFile });
  } catch (err) {
    log.error("configuration was not taken over", { "config.file": configFile, err });
  }
}
