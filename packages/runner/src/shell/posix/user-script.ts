import type { UserScript, UserScriptRequest } from "../shell-dialect.ts";
import { exportVariables } from "./export-variables.ts";
import type { PosixScript } from "./posix-script.ts";
import { showAndRun } from "./show-and-run.ts";

/** Writes a `step_*` or `after_script` stage. Rule: runner-protocol.md §3.6. */
export function writeUserScript(script: PosixScript, request: UserScriptRequest): UserScript["commands"] {
  exportVariables(script, request);
  script.command("cd", request.projectDirectory);
  if (request.notice !== undefined) script.notice(request.notice);
  const commands: string[] = [];
  for (const part of request.parts) {
    const marks =
      request.commandMarksFile === undefined
        ? undefined
        : { file: request.commandMarksFile, firstIndex: commands.length };
    showAndRun(script, part, request, marks);
    commands.push(...part.entries.map((entry) => entry.trim()));
  }
  return commands;
}
