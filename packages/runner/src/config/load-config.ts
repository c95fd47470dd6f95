import { readFile } from "node:fs/promises";
import path from "node:path";
import { parse, TomlError } from "smol-toml";
import { ConfigError } from "./config-error.ts";
import type { RunnerManagerConfig } from "./manager-config.ts";
import { type ParseConfigOptions, parseConfig } from "./parse-config.ts";

/**
 * Reads `config.toml`.
 *
 * @throws {ConfigError} when it cannot be read or parsed, or with every problem found in it.
 */
export async function loadConfig(
  file: string,
  options: Omit<ParseConfigOptions, "file"> = {},
): Promise<RunnerManagerConfig> {
  const absolute = path.resolve(file);
  return parseConfig(parseToml(await readConfigText(absolute), absolute), { ...options, file: absolute });
}

/** @throws {ConfigError} that names the file. */
export async function readConfigText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    const why = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    const message = why === "ENOENT" ? "no such file; `register` makes one" : `cannot be read (${why})`;
    throw new ConfigError({ file, problems: [{ key: "", message }] }, { cause });
  }
}

/** @throws {ConfigError} that names line and column. */
export function parseToml(text: string, file: string): Record<string, unknown> {
  try {
    return parse(text);
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause;
    const reason = cause.message.split("\n")[0]?.replace(/^Invalid TOML document: /, "") ?? "";
    const message = `line ${cause.line}, column ${cause.column}: ${reason}`;
    throw new ConfigError({ file, problems: [{ key: "", message }] }, { cause });
  }
}
