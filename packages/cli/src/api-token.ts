import { readFileSync } from "node:fs";
import { CommandError } from "./command-error.ts";
import type { Environment } from "./process-environment.ts";

/**
 * The token for a collector's query API: of the file that `--api-token-file` names (its first line that is neither empty
 * nor a comment, so that the collector's own file of tokens serves), else `JOBSCOPE_API_TOKEN`. Undefined: none.
 *
 * @throws {CommandError} when the file cannot be read or holds no token. It never shows a token.
 */
export function readApiToken(file: string | undefined, environment: Environment): string | undefined {
  if (file === undefined) return environment["JOBSCOPE_API_TOKEN"] || undefined;
  const lines = readTokenFile(file).split("\n");
  const token = lines.map((line) => line.trim()).find((line) => line !== "" && !line.startsWith("#"));
  if (token === undefined) throw new CommandError(`--api-token-file: ${file} holds no token`);
  return token;
}

function readTokenFile(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    const why = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    throw new CommandError(`--api-token-file: ${file} cannot be read (${why})`, { cause });
  }
}
