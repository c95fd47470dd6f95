import { ConfigError, loadConfig, parseConfig, type RunnerManagerConfig } from "@jobscope/runner";
import type { CommandContext } from "../context.ts";

/**
 * The configuration that a runner would have: of the file, and of the environment alone when the usual file is not there.
 *
 * @throws {ConfigError} when it cannot be used, or a file that was named is not there.
 */
export async function readRunnerConfig(
  file: string,
  { environment, defaultRunnerConfig }: CommandContext,
): Promise<RunnerManagerConfig> {
  try {
    return await loadConfig(file, { environment });
  } catch (error) {
    if (file !== defaultRunnerConfig || !isMissing(error)) throw error;
    return parseConfig({}, { environment });
  }
}

function isMissing(error: unknown): boolean {
  const cause = error instanceof ConfigError ? error.cause : undefined;
  return cause instanceof Error && "code" in cause && cause.code === "ENOENT";
}
