import type { CommandContext } from "../context.ts";
import { openTraceReader, type ReaderFlags } from "./open-trace-reader.ts";

/** `jobscope sql`: the answer's bytes, as the store formats them, on stdout. */
export async function answerQuery(query: string, flags: ReaderFlags, { stdout }: CommandContext): Promise<void> {
  await using reader = await openTraceReader(flags);
  const { body } = await reader.sql(query);
  stdout.write(body);
  if (body.length > 0 && body.at(-1) !== 0x0a) stdout.write("\n");
}
