import { createDialect } from "../create-dialect.ts";
import type { ShellDialect } from "../shell-dialect.ts";
import { PosixWriter } from "./posix-writer.ts";
import { quoteForBash, quoteForPosix } from "./quote.ts";
import { frameScript } from "./script-frame.ts";

/**
 * bash, told to read the rest of a pipe at once. It reads a script that comes through a pipe byte by byte, a system
 * call for each, since commands of the script may want what follows: 16 KiB took 17 ms so and 7 ms with this line.
 * (`$(</dev/stdin)` would save the process, but opening a pipe anew waits for ever once its writer is done.)
 */
const bashPreamble = 'eval "$(cat)"\n';

/**
 * @param name `bash`, or `sh` for any POSIX shell.
 * @param options `usesPosixQuotes`: `FF_POSIXLY_CORRECT_ESCAPES`, for a bash that is none.
 */
export function createPosixDialect(
  name: "bash" | "sh",
  options: { readonly usesPosixQuotes?: boolean } = {},
): ShellDialect {
  const quote = name === "bash" && options.usesPosixQuotes !== true ? quoteForBash : quoteForPosix;
  return createDialect({
    name,
    command: [name, "-l"],
    preamble: name === "bash" ? bashPreamble : "",
    write(context, writeBody) {
      const script = new PosixWriter({ quote, checksExitCodes: context.checksExitCodes });
      writeBody(script);
      return frameScript(script, name, context);
    },
  });
}
