import { homedir } from "node:os";
import { join } from "node:path";

export type Environment = Readonly<Record<string, string | undefined>>;

/** The environment of this process, as it was at the start. Nothing else reads `process.env`. */
export function readEnvironment(): Environment {
  // biome-ignore lint/style/noProcessEnv: the one place where the command reads its environment
  return Object.freeze({ ...process.env });
}

/**
 * A base directory of the user's.
 *
 * Rule: XDG base directory specification; relative values are to be ignored.
 */
export function baseDirectory(environment: Environment, kind: "data" | "cache"): string {
  const given = environment[kind === "data" ? "XDG_DATA_HOME" : "XDG_CACHE_HOME"] ?? "";
  if (given.startsWith("/")) return given;
  return join(homeDirectory(environment), ...(kind === "data" ? [".local", "share"] : [".cache"]));
}

export function homeDirectory(environment: Environment): string {
  return environment["HOME"] ?? homedir();
}
