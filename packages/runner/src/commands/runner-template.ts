import path from "node:path";
import { parseToml, readConfigText } from "../config/load-config.ts";
import { CommandError } from "./command-io.ts";

/** The one `[[runners]]` table of a template file, as written. @throws {ConfigError} @throws {CommandError} */
export async function readRunnerTemplate(file: string): Promise<Readonly<Record<string, unknown>>> {
  const absolute = path.resolve(file);
  const { runners } = parseToml(await readConfigText(absolute), absolute);
  const [runner, ...more] = Array.isArray(runners) ? (runners as unknown[]) : [];
  if (typeof runner !== "object" || runner === null || more.length > 0) {
    throw new CommandError(2, `${file}: a template has exactly one [[runners]]`);
  }
  return runner as Readonly<Record<string, unknown>>;
}
