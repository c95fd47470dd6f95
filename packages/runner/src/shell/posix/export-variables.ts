import path from "node:path";
import type { ScriptContext } from "../shell-dialect.ts";
import type { PosixScript } from "./posix-script.ts";

/** Name of the file through which a step hands variables to later stages. */
export const gitlabEnvFileName = "gitlab_runner_env";
/** Name of the file that stands in for git's global configuration with `FF_GIT_URLS_WITHOUT_TOKENS`. */
export const gitGlobalConfigFileName = ".glr.gconf";

/**
 * Exports the job's variables: file variables are written and their paths exported, and the lines of the `GITLAB_ENV`
 * file are exported after them.
 *
 * Rule: runner-protocol.md §3.2.
 */
export function exportVariables(script: PosixScript, context: ScriptContext): void {
  const { variables, temporaryDirectory, traceEnvironment } = context;
  script.makeDirectory(temporaryDirectory);
  for (const variable of variables.entries) {
    if (variable.isFile) script.writeFile(variables.filePathOf(variable.key), variable.value);
    script.export(variable.key, variables.processValueOf(variable.key) ?? "");
  }
  for (const [name, value] of Object.entries(traceEnvironment)) {
    if (!variables.has(name)) script.export(name, value);
  }
  exportGitlabEnv(script, path.posix.join(temporaryDirectory, gitlabEnvFileName));
  if (context.usesTokenlessGit) {
    script.export("GIT_CONFIG_GLOBAL", path.posix.join(temporaryDirectory, gitGlobalConfigFileName));
  }
}

function exportGitlabEnv(script: PosixScript, file: string): void {
  const quoted = script.quote(file);
  script.export("GITLAB_ENV", file);
  script.line(`[ -e ${quoted} ] || : > ${quoted}`);
  const line = "_gitlab_env_line";
  script.line(
    `while read -r ${line} || [ -n "$${line}" ]; do [ -z "$${line}" ] || export "$${line}"; done < ${quoted}; unset ${line}`,
  );
}
