import { createDialect } from "../create-dialect.ts";
import type { ShellDialect } from "../shell-dialect.ts";
import { PosixWriter } from "./posix-writer.ts";
import { quoteForBash, quoteForPosix } from "./quote.ts";
import { frameScript } from "./script-frame.ts";

/**
 * bash, told to read the rest of a pipe at once. It reads a script that comes through a pipe byte by byte, a system
 * call for each, since commands of the script may want what follows: 3.6 KiB took 2.2 ms so, 1.4 with a `cat` for it, and
 * 0.6 with this line. `read -N` reads 4 KiB at a time, up to the end of the pipe, at which it says 1; it came with bash 4.1.
 */
const bashPreamble =
  "case $BASH_VERSION in [1-3].* | 4.0.*) _jobscope=$(cat) ;; *) IFS= read -r -N 1000000000 _jobscope || : ;; esac; " +
  'eval "unset _jobscope; $_jobscope"\n';

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
