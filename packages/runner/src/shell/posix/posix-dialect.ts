import { quoteForBash, quoteForPosix } from "../quote.ts";
import type { ResetWorktreeRequest, ScriptContext, ShellDialect } from "../shell-dialect.ts";
import { exportVariables } from "./export-variables.ts";
import { writeClearWorktree, writeGetSources } from "./get-sources.ts";
import { PosixScript } from "./posix-script.ts";
import { frameScript } from "./script-frame.ts";
import { writeUserScript } from "./user-script.ts";

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
  const frame = (script: PosixScript, context: ScriptContext) => frameScript(script, name, context);
  return {
    name,
    command: [name, "-l"],
    preamble: name === "bash" ? bashPreamble : "",
    userScript(request) {
      const script = new PosixScript(quote);
      const commands = writeUserScript(script, request);
      return { text: frame(script, request), commands };
    },
    getSources(request) {
      const script = new PosixScript(quote);
      writeGetSources(script, request);
      return frame(script, request);
    },
    clearWorktree(request) {
      const script = new PosixScript(quote);
      writeClearWorktree(script, request.projectDirectory);
      return frame(script, request);
    },
    resetWorktree(request) {
      const script = new PosixScript(quote);
      writeResetWorktree(script, request);
      return frame(script, request);
    },
  };
}

function writeResetWorktree(script: PosixScript, request: ResetWorktreeRequest): void {
  const { cleanFlags, submodules } = request.settings;
  exportVariables(script, request);
  script.command("cd", request.projectDirectory);
  if (cleanFlags.length > 0) script.command("git", "clean", ...cleanFlags);
  script.command("git", "reset", "--hard");
  if (submodules === undefined) return;
  const each = ["git", "submodule", "foreach", ...(submodules.isRecursive ? ["--recursive"] : [])];
  if (cleanFlags.length > 0) script.command(...each, "git", "clean", ...cleanFlags);
  script.command(...each, "git", "reset", "--hard");
}
