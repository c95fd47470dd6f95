import path from "node:path";
import type { ScriptWriter } from "./script-writer.ts";
import type { ScriptContext } from "./shell-dialect.ts";
import { gitGlobalConfigFileName, gitlabEnvFileName } from "./temporary-files.ts";

/**
 * Exports the job's variables: file variables are written and their paths exported, and the lines of the `GITLAB_ENV`
 * file are exported after them.
 *
 * Rule: runner-protocol.md §3.2.
 */
export function exportVariables(script: ScriptWriter, context: ScriptContext): void {
  const { variables, temporaryDirectory, traceEnvironment } = context;
  script.makeDirectory(temporaryDirectory);
  for (const variable of variables.entries) {
    if (variable.isFile) script.writeFile(variables.filePathOf(variable.key), variable.value);
    script.export(variable.key, variables.processValueOf(variable.key) ?? "");
  }
  for (const [name, value] of Object.entries(traceEnvironment)) {
    if (!variables.has(name)) script.export(name, value);
  }
  const handedOn = path.posix.join(temporaryDirectory, gitlabEnvFileName);
  script.export("GITLAB_ENV", handedOn);
  script.exportFrom(handedOn);
  if (context.usesTokenlessGit) {
    script.export("GIT_CONFIG_GLOBAL", path.posix.join(temporaryDirectory, gitGlobalConfigFileName));
  }
}
