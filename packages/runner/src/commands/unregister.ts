import { removeRunner } from "../config/config-text.ts";
import { loadConfig } from "../config/load-config.ts";
import { CoordinatorError } from "../coordinator-client/coordinator-error.ts";
import { CommandError, type CommandIo, warnTo, writeLine } from "./command-io.ts";
import { connectRunner } from "./connect-runner.ts";
import { editConfig } from "./edit-config.ts";
import { type RunnerSelector, selectRunners } from "./select-runners.ts";

export interface UnregisterOptions extends RunnerSelector {
  readonly configFile: string;
  /** Without it, a name or a token is required. */
  readonly allRunners?: boolean;
}

/**
 * Takes runners from their coordinators and then from the file; one that its coordinator kept stays in the file.
 *
 * @returns whether all were unregistered.
 * @throws {ConfigError} @throws {CommandError}
 */
export async function unregisterRunners(options: UnregisterOptions, io: CommandIo): Promise<boolean> {
  if (options.allRunners !== true && options.name === undefined && options.runnerToken === undefined) {
    throw new CommandError(2, "name the runner by --name or --token, or say --all-runners");
  }
  const config = await loadConfig(options.configFile, { environment: io.environment });
  const selected = options.allRunners === true ? selectRunners(config, {}) : selectRunners(config, options);
  let failures = 0;
  for (const { index, runner } of selected.toReversed()) {
    await using client = connectRunner(config, runner, io);
    try {
      await client.unregister(runner.runnerToken);
    } catch (error) {
      if (!(error instanceof CoordinatorError)) throw error;
      failures += 1;
      writeLine(io.stderr, `${runner.name} (${runner.shortToken}): not unregistered: ${error.message}`);
      continue;
    }
    await editConfig(options.configFile, (text) => removeRunner(text, index), warnTo(io));
    writeLine(io.stdout, `${runner.name} (${runner.shortToken}): unregistered`);
  }
  return failures === 0;
}
