import { exportVariables } from "./export-variables.ts";
import type { ScriptWriter } from "./script-writer.ts";
import type { UserScriptRequest } from "./shell-dialect.ts";
import { showAndRun } from "./show-and-run.ts";

/** Writes a `step_*` or `after_script` stage. Rule: runner-protocol.md §3.6. */
export function writeUserScript(script: ScriptWriter, request: UserScriptRequest): void {
  const { parts, notice, commandMarksFile } = request;
  exportVariables(script, request);
  script.changeDirectory(request.projectDirectory);
  if (notice !== undefined) script.notice(notice);
  let firstIndex = 0;
  for (const part of parts) {
    const marks = commandMarksFile === undefined ? undefined : { file: commandMarksFile, firstIndex };
    showAndRun(script, part, request, marks);
    firstIndex += part.entries.length;
  }
}
