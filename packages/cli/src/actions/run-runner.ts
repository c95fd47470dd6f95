import { createLog } from "@jobscope/labkit";
import { loadConfig, runRunners } from "@jobscope/runner";
import type { CommandContext } from "../context.ts";
import type { ExitCode } from "../exit-code.ts";

/** The command line of `jobscope run`. */
export interface RunFlags {
  readonly config: string;
  readonly listenAddress?: string;
  readonly workingDirectory?: string;
}

/**
 * `jobscope run`: the runner, until a signal ends it (runner-protocol.md §6.9).
 *
 * @throws {ConfigError} when the configuration cannot be used.
 */
export async function runRunner(
  flags: RunFlags,
  { stderr, environment }: CommandContext,
  { isDebug }: { isDebug: boolean },
): Promise<ExitCode> {
  const config = await loadConfig(flags.config, { environment });
  const log = createLog({
    level: isDebug ? "debug" : config.logLevel,
    format: config.logFormat === "json" ? "json" : "text",
    colors: stderr.isTTY === true,
  });
  const { listenAddress, workingDirectory } = flags;
  const options = { config, listenAddress, ...(workingDirectory === undefined ? {} : { workingDirectory }) };
  return await runRunners(options, { log, signals: process, environment });
}
