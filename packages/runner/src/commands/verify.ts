import { removeRunner } from "../config/config-text.ts";
import { loadConfig } from "../config/load-config.ts";
import { describeRunner } from "../coordinator-client/describe-runner.ts";
import { type CommandIo, warnTo, writeLine } from "./command-io.ts";
import { connectRunner } from "./connect-runner.ts";
import { editConfig } from "./edit-config.ts";
import { type RunnerSelector, selectRunners } from "./select-runners.ts";

export interface VerifyOptions extends RunnerSelector {
  readonly configFile: string;
  /** Removes the runners that the coordinator does not know from the file. Default: false. */
  readonly deletes?: boolean;
}

/**
 * Asks each runner's coordinator whether it knows the runner. A coordinator that cannot be reached proves nothing.
 *
 * @returns whether all are fine now: none is invalid, or the invalid ones were removed.
 * @throws {ConfigError} @throws {CommandError}
 */
export async function verifyRunners(options: VerifyOptions, io: CommandIo): Promise<boolean> {
  const config = await loadConfig(options.configFile, { environment: io.environment });
  const invalid: number[] = [];
  for (const { index, runner } of selectRunners(config, options)) {
    await using client = connectRunner(config, runner, io);
    const outcome = await client.verify(runner.runnerToken, describeRunner(runner));
    const label = `${runner.name} (${runner.shortToken}) at ${client.url}`;
    if (outcome.kind === "valid") writeLine(io.stdout, `${label}: is valid`);
    if (outcome.kind === "invalid") writeLine(io.stdout, `${label}: is not known to its coordinator`);
    if (outcome.kind === "unknown") writeLine(io.stderr, `${label}: could not be verified: ${outcome.why.message}`);
    if (outcome.kind === "invalid") invalid.push(index);
  }
  if (options.deletes !== true || invalid.length === 0) return invalid.length === 0;
  for (const index of invalid.toReversed()) {
    await editConfig(options.configFile, (text) => removeRunner(text, index), warnTo(io));
  }
  writeLine(io.stdout, `${invalid.length} removed from ${options.configFile}`);
  return true;
}
