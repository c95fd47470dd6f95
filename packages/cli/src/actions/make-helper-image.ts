import { createLog } from "@jobscope/labkit";
import { type MakeHelperImageOptions, makeHelperImage } from "@jobscope/runner";
import type { CommandContext } from "../context.ts";
import { watchInterrupts } from "../interrupts.ts";

/** The command line of `jobscope helper-image`. */
export type HelperImageFlags = MakeHelperImageOptions;

/** `jobscope helper-image`. @throws {HelperImageError} when the image cannot be made. */
export async function makeHelperImageHere(
  flags: HelperImageFlags,
  { stdout, stderr }: CommandContext,
  { isDebug }: { isDebug: boolean },
): Promise<void> {
  using interrupts = watchInterrupts();
  const log = createLog({ level: isDebug ? "debug" : "info", format: "text", colors: stderr.isTTY === true });
  const { name, sizeBytes, isNew } = await makeHelperImage(flags, { log, signal: interrupts.polite });
  const mebibytes = (sizeBytes / 2 ** 20).toFixed(0);
  stdout.write(`${name}: ${mebibytes} MiB, ${isNew ? "made anew" : "up to date"}\n`);
}
