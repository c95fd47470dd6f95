import { loadConfig } from "../config/load-config.ts";
import { type CommandIo, writeLine } from "./command-io.ts";

export interface ListOptions {
  readonly configFile: string;
  /** Prints whole tokens, as GitLab's runner does, instead of their short form. Default: false. */
  readonly showsTokens?: boolean;
}

/** Prints one line per runner of a configuration. @throws {ConfigError} */
export async function listRunners(options: ListOptions, io: CommandIo): Promise<void> {
  const { runners } = await loadConfig(options.configFile, { environment: io.environment });
  const width = Math.max(0, ...runners.map(({ name }) => name.length));
  for (const { name, executor, runnerToken, shortToken, url } of runners) {
    const token = options.showsTokens === true ? runnerToken : shortToken;
    writeLine(io.stdout, `${name.padEnd(width)}  Executor=${executor} Token=${token} URL=${url}`);
  }
}
