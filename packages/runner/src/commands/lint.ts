import { loadConfig } from "../config/load-config.ts";
import { type CommandIo, writeLine } from "./command-io.ts";

/**
 * Checks a configuration file more strictly than `run` does: also what has no effect is told.
 *
 * @returns whether there is nothing to tell. @throws {ConfigError} when the file cannot be used.
 */
export async function lintConfig(configFile: string, io: CommandIo): Promise<boolean> {
  const { warnings, unknownKeys, runners } = await loadConfig(configFile, { environment: io.environment });
  for (const warning of warnings) writeLine(io.stderr, warning);
  for (const key of unknownKeys) writeLine(io.stderr, `${key}: not known, has no effect`);
  const count = warnings.length + unknownKeys.length;
  if (count === 0) writeLine(io.stdout, `${configFile}: can be used, ${runners.length} runners`);
  return count === 0;
}
