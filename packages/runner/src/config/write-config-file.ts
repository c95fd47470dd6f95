import { randomUUID } from "node:crypto";
import { mkdir, rename, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";

/**
 * Replaces a configuration file as a whole: readers see the old or the new one. It holds tokens: new files are private
 * (0600), existing ones keep their mode.
 */
export async function writeConfigFile(file: string, text: string): Promise<void> {
  const directory = path.dirname(file);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const mode = (await stat(file).catch(() => undefined))?.mode ?? 0o600;
  const temporary = path.join(directory, `.${path.basename(file)}.${randomUUID()}`);
  try {
    await writeFile(temporary, text, { mode: mode & 0o777, flag: "wx" });
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
