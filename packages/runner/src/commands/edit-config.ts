import type { EditedConfig } from "../config/config-text.ts";
import { readConfigText } from "../config/load-config.ts";
import { writeConfigFile } from "../config/write-config-file.ts";

/** Changes a configuration file; says so when its comments could not be kept. */
export async function editConfig(
  file: string,
  change: (text: string) => EditedConfig,
  report: { warn(message: string): void },
): Promise<void> {
  const { text, lostComments } = change(await readConfigText(file));
  await writeConfigFile(file, text);
  if (lostComments) report.warn("the configuration file had to be laid out anew: its comments are lost");
}
