import { createCollectorClient, findRunningCollector, type TraceReader } from "@jobscope/collector/client";
import { readApiToken } from "../api-token.ts";
import { CommandError } from "../command-error.ts";
import type { CommandContext } from "../context.ts";
import { dataDirAt } from "../data-dir.ts";

/** Where to read: `--api`, `--api-token-file`, `--data`. */
export interface ReaderFlags {
  readonly api?: string;
  readonly apiTokenFile?: string;
  readonly data: string;
}

/**
 * Where stored traces can be read: the query API that was named, else that of the collector that runs on the data
 * directory, else the store itself.
 */
export async function openTraceReader(flags: ReaderFlags, { environment }: CommandContext): Promise<TraceReader> {
  const token = readApiToken(flags.apiTokenFile, environment);
  const credentials = token === undefined ? {} : { token };
  if (flags.api !== undefined) return createCollectorClient({ apiUrl: checkedUrl(flags.api), ...credentials });
  const { store } = dataDirAt(flags.data);
  const running = await findRunningCollector(store);
  if (running?.apiUrl !== undefined) return createCollectorClient({ apiUrl: running.apiUrl, ...credentials });
  // The engine takes a moment to load, and most commands never need it.
  const { openStoreReadOnly } = await import("@jobscope/collector");
  return await openStoreReadOnly(store);
}

function checkedUrl(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw new CommandError(`--api: "${text}" is no http or https URL, such as http://127.0.0.1:4320`);
}
