import type { CommandContext } from "../context.ts";
import { openTraceReader, type ReaderFlags } from "./open-trace-reader.ts";

/** `jobscope sql`: the answer's bytes, as the store formats them, on stdout. */
export async function answerQuery(query: string, flags: ReaderFlags, context: CommandContext): Promise<void> {
  await using reader = await openTraceReader(flags, context);
  const { body } = await reader.sql(query);
  context.stdout.write(body);
  if (body.length > 0 && body.at(-1) !== 0x0a) context.stdout.write("\n");
}
