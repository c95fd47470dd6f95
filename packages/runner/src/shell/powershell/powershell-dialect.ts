import { createDialect } from "../create-dialect.ts";
import type { ShellDialect } from "../shell-dialect.ts";
import { PowerShellWriter } from "./powershell-writer.ts";
import { quoteForPowerShell } from "./quote.ts";

/**
 * PowerShell, version 6 or later, as `pwsh`. It reads the script from standard input statement by statement, as if it were
 * typed, so that the script is one statement of one line: a block made of the body's text.
 *
 * The block ends with `exit 0`. What follows it is reached only when the block ended before its end, by an error that
 * nobody caught, or never began, since its text is no PowerShell; PowerShell itself would end with 0 after some of these.
 *
 * GitLab's runner starts a second PowerShell inside the first to set its encodings, and loses exit codes by that
 * (runner-protocol.md §2.7); here the text is ASCII and needs no encoding.
 *
 * Rule: runner-protocol.md §3.1.
 */
export function createPowerShellDialect(): ShellDialect {
  return createDialect({
    name: "pwsh",
    command: ["pwsh", "-NoProfile", "-NoLogo", "-NonInteractive", "-Command", "-"],
    preamble: "",
    write(context, writeBody) {
      const script = new PowerShellWriter();
      script.line('$ErrorActionPreference = "Stop"');
      // A native command that fails is noticed with its exit code, which an error would hide.
      script.line("$PSNativeCommandUseErrorActionPreference = $false");
      if (context.isDebugTrace) script.line("Set-PSDebug -Trace 2");
      // A block of its own, for a `return` of the user's to end.
      script.line(". {");
      writeBody(script);
      script.line("}");
      script.line("exit 0");
      const block = `& ([scriptblock]::Create(${quoteForPowerShell(script.text)}))`;
      return `#!/usr/bin/env pwsh\n${block}\nexit 1\n`;
    },
  });
}
