import type { ScriptContext } from "../shell-dialect.ts";
import type { PosixWriter } from "./posix-writer.ts";

/** bash, when it is told to stop, would otherwise print the text of the script it was running. */
const exitOnTerminate = "trap 'exit 1' TERM";

/**
 * The whole text of a stage: the body, as one quoted word, evaluated in a subshell without standard input, so that no
 * command of the user can read the rest of the script.
 *
 * Rule: runner-protocol.md §3.1.
 */
export function frameScript(body: PosixWriter, shell: "bash" | "sh", context: ScriptContext): string {
  const evaluated = `eval ${body.quote(body.text)}`;
  return [
    `#!/usr/bin/env ${shell}`,
    "",
    exitOnTerminate,
    "",
    ...(context.isDebugTrace ? ["set -o xtrace"] : []),
    shell === "bash"
      ? "set -o pipefail; set -o errexit"
      : `case "$(set -o)" in *"pipefail"*) set -o pipefail;; esac; set -o errexit`,
    "set +o noclobber",
    context.usesLegacyEval ? `: | ${evaluated}` : `(${exitOnTerminate}; ${evaluated}) < /dev/null`,
    "exit 0",
    "",
  ].join("\n");
}
