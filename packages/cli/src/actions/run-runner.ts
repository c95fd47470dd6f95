import { loadConfig, runRunners } from "@jobscope/runner";
import type { CommandContext } from "../context.ts";
import type { ExitCode } from "../exit-code.ts";
import { createRunnerLog } from "../runner-log.ts";

/** The command line of `jobscope run`. */
export interface RunFlags {
  readonly config: string;
  readonly listenAddress?: string;
  readonly workingDirectory?: string;
  readonly user?: string;
  readonly logLevel?: string;
  readonly logFormat?: string;
}

/**
 * `jobscope run`: the runner, until a signal ends it (runner-protocol.md §6.9).
 *
 * @throws {ConfigError} when the configuration cannot be used.
 */
export async function runRunner(
  flags: RunFlags,
  context: CommandContext,
  { isDebug }: { isDebug: boolean },
): Promise<ExitCode> {
  const { environment } = context;
  const config = await loadConfig(flags.config, { environment });
  const { log, follow } = createRunnerLog({ flags: { ...flags }, context, isDebug, config });
  const { listenAddress, workingDirectory, user } = flags;
  const options = { config, listenAddress, user, ...(workingDirectory === undefined ? {} : { workingDirectory }) };
  return await runRunners(options, { log, signals: process, environment, onConfig: follow });
}
