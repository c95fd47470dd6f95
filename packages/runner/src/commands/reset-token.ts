import { setRunnerKeys } from "../config/config-text.ts";
import { loadConfig } from "../config/load-config.ts";
import type { RunnerManagerConfig } from "../config/manager-config.ts";
import { CoordinatorError } from "../coordinator-client/coordinator-error.ts";
import { CommandError, type CommandIo, warnTo, writeLine } from "./command-io.ts";
import { connectRunner } from "./connect-runner.ts";
import { editConfig } from "./edit-config.ts";
import { type SelectedRunner, selectRunners } from "./select-runners.ts";
import { tokenKeys } from "./token-keys.ts";

export interface ResetTokenOptions {
  readonly configFile: string;
  readonly name?: string | undefined;
  /** With `runnerId`: names the runner by where it is registered. */
  readonly url?: string | undefined;
  readonly runnerId?: number | undefined;
  /** Resets with a user's access token instead of the runner's own. A secret. */
  readonly personalAccessToken?: string | undefined;
  readonly allRunners?: boolean;
}

/**
 * Gives runners new tokens and writes them to the file.
 *
 * @returns whether all were reset.
 * @throws {ConfigError} @throws {CommandError}
 */
export async function resetTokens(options: ResetTokenOptions, io: CommandIo): Promise<boolean> {
  const config = await loadConfig(options.configFile, { environment: io.environment });
  let failures = 0;
  for (const selected of selectForReset(config, options)) {
    const { runner, index } = selected;
    await using client = connectRunner(config, runner, io);
    try {
      const credentials =
        options.personalAccessToken === undefined
          ? await client.resetToken(runner.runnerToken)
          : await client.resetTokenById(runner.runnerId, options.personalAccessToken);
      await editConfig(options.configFile, (text) => setRunnerKeys(text, index, tokenKeys(credentials)), warnTo(io));
      writeLine(io.stdout, `${runner.name}: token was reset`);
    } catch (error) {
      if (!(error instanceof CoordinatorError)) throw error;
      failures += 1;
      writeLine(io.stderr, `${runner.name} (${runner.shortToken}): token not reset: ${error.message}`);
    }
  }
  return failures === 0;
}

function selectForReset(config: RunnerManagerConfig, options: ResetTokenOptions): readonly SelectedRunner[] {
  const { name, url, runnerId, allRunners } = options;
  if (allRunners === true) return selectRunners(config, {});
  if (name !== undefined) return selectRunners(config, { name });
  if (url === undefined || runnerId === undefined) {
    throw new CommandError(2, "name the runner by --name, by --url and --id, or say --all-runners");
  }
  const selected = selectRunners(config, { url }).filter(({ runner }) => runner.runnerId === runnerId);
  if (selected.length === 0) throw new CommandError(2, `no runner of ${url} has the id ${runnerId}`);
  return selected;
}
