import type { ScriptWriter } from "./script-writer.ts";
import type { ScriptContext, ShellDialect } from "./shell-dialect.ts";
import { writeClearWorktree, writeGetSources, writeResetWorktree } from "./write-get-sources.ts";
import { writeUserScript } from "./write-user-script.ts";

/** What tells one script language from another. */
export interface ScriptLanguage extends Pick<ShellDialect, "name" | "command" | "preamble"> {
  /** The whole text of a script with this body. */
  write(context: ScriptContext, writeBody: (script: ScriptWriter) => void): string;
}

export function createDialect({ write, ...language }: ScriptLanguage): ShellDialect {
  return {
    ...language,
    userScript: (request) => write(request, (script) => writeUserScript(script, request)),
    getSources: (request) => write(request, (script) => writeGetSources(script, request)),
    clearWorktree: (request) => write(request, (script) => writeClearWorktree(script, request.projectDirectory)),
    resetWorktree: (request) => write(request, (script) => writeResetWorktree(script, request)),
  };
}
