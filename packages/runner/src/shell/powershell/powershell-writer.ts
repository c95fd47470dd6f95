import { ansi } from "../ansi.ts";
import { LineWriter } from "../line-writer.ts";
import type { ScriptWriter } from "../script-writer.ts";
import { quoteForPowerShell as quote, variableName } from "./quote.ts";

/**
 * Ends the script with the exit code of a native command that failed, else, after a cmdlet's failure, with 1. To stand
 * directly after a statement: every other one sets `$?`.
 */
const exitOnFailure = "if (-not $?) { exit $(if ($LASTEXITCODE) { $LASTEXITCODE } else { 1 }) }";

/**
 * Writes for PowerShell 6 and later. Errors of cmdlets end the script since `$ErrorActionPreference` is `Stop`; native
 * commands are checked one by one.
 */
export class PowerShellWriter extends LineWriter implements ScriptWriter {
  entry(text: string): void {
    this.line(text);
    this.line(exitOnFailure);
  }

  command(...words: readonly string[]): void {
    this.line(call(words));
    this.line(exitOnFailure);
  }

  attempt(words: readonly string[], input: string): void {
    this.line(`try { ${quote(input)} | ${call(words)} *> $null } catch { }`);
  }

  ifSucceeds(
    words: readonly string[],
    { isSilent }: { readonly isSilent: boolean },
    then: () => void,
    otherwise?: () => void,
  ): void {
    // A program that is not there throws; its absence is a failure like others.
    this.line("$_runner_succeeded = $false");
    this.line(`try { ${call(words)}${isSilent ? " *> $null" : ""}; $_runner_succeeded = $? } catch { }`);
    this.#when("$_runner_succeeded", then, otherwise);
  }

  ifPrints(words: readonly string[], text: string, then: () => void, otherwise: () => void): void {
    this.#when(`(${call(words)} 2>&1 | Out-String).Contains(${quote(text)})`, then, otherwise);
  }

  /** Not through the pipeline, whose formatting may take the colours away. */
  override print(text: string): void {
    this.line(`[Console]::WriteLine(${quote(text)})`);
  }

  printInSection(section: string, text: string): void {
    const now = "[DateTimeOffset]::UtcNow.ToUnixTimeSeconds()";
    const heading = `[hide_duration=true,collapsed=true]\r${ansi.clearLine}${ansi.boldGreen}${text}${ansi.reset}`;
    const marker = (kind: string, rest: string) =>
      this.line(`[Console]::WriteLine('section_' + '${kind}:' + ${now} + ${quote(`:${section}${rest}`)})`);
    marker("start", heading);
    marker("end", `\r${ansi.clearLine}`);
  }

  /** The entry before has ended well, else the script would have ended. */
  markEntry(file: string, index: number): void {
    this.line(`try { [System.IO.File]::AppendAllText(${quote(file)}, ${quote(`${index} 0\n`)}) } catch { }`);
  }

  /** Also as a variable of PowerShell, which scripts are used to: `$CI_COMMIT_SHA`. */
  export(name: string, value: string): void {
    const assignment = `$${environmentName(name)} = ${quote(value)}`;
    this.line(isReserved(name) ? assignment : `$${variableName(name)} = ${assignment}`);
  }

  exportFrom(file: string): void {
    const path = quote(file);
    this.line(`if (-not [System.IO.File]::Exists(${path})) { [System.IO.File]::WriteAllText(${path}, '') }`);
    this.line(`foreach ($_runner_line in [System.IO.File]::ReadAllLines(${path})) {`);
    this.line("if ($_runner_line -match '^\\s*([A-Za-z_][A-Za-z0-9_]*)=(.*)$') {");
    this.line('Set-Item -LiteralPath "env:$($Matches[1])" -Value $Matches[2]');
    this.line("Set-Variable -Name $Matches[1] -Value $Matches[2] -ErrorAction SilentlyContinue");
    this.line("}");
    this.line("}");
  }

  writeFile(path: string, content: string): void {
    this.line(`[System.IO.File]::WriteAllText(${quote(path)}, ${quote(content)})`);
  }

  appendUserGitConfigs(path: string): void {
    const configs =
      '@("$(if ($env:XDG_CONFIG_HOME) { $env:XDG_CONFIG_HOME } else { "$env:HOME/.config" })/git/config", "$env:HOME/.gitconfig")';
    this.line(`foreach ($_runner_config in ${configs}) {`);
    const include = `'[include] path = "' + $_runner_config + '"' + [char]10`;
    this.line(
      `if (Test-Path -LiteralPath $_runner_config -PathType Leaf) { [System.IO.File]::AppendAllText(${quote(path)}, (${include})) }`,
    );
    this.line("}");
  }

  makeDirectory(path: string): void {
    this.line(`$null = [System.IO.Directory]::CreateDirectory(${quote(path)})`);
  }

  changeDirectory(path: string): void {
    this.line(`Set-Location -LiteralPath ${quote(path)}`);
  }

  removeFiles(...paths: readonly string[]): void {
    this.line(`foreach ($_runner_path in @(${paths.map(quote).join(", ")})) {`);
    this.line("if ([System.IO.File]::Exists($_runner_path)) { [System.IO.File]::Delete($_runner_path) }");
    this.line("}");
  }

  removeTrees(...paths: readonly string[]): void {
    for (const path of paths) {
      this.#when(`Test-Path -LiteralPath ${quote(path)}`, () => {
        this.line(`if (-not $IsWindows) { ${call(["chmod", "-R", "u+rwX", path])} }`);
        this.line(`Remove-Item -LiteralPath ${quote(path)} -Recurse -Force`);
      });
    }
  }

  removeBelow(directory: string, kind: "files" | "directories", names: readonly string[]): void {
    const [type, recurse] = kind === "files" ? ["-File", ""] : ["-Directory", " -Recurse"];
    const anyName = names.map((name) => `$_.Name -like ${quote(name)}`).join(" -or ");
    this.ifDirectory(directory, () => {
      // Gathered first: what is removed must not be walked through.
      this.line(
        `@(Get-ChildItem -LiteralPath ${quote(directory)} -Recurse -Force ${type} | Where-Object { ${anyName} }) | ` +
          `Remove-Item -Force${recurse} -ErrorAction SilentlyContinue`,
      );
    });
  }

  ifDirectory(path: string, then: () => void): void {
    this.#when(`Test-Path -LiteralPath ${quote(path)} -PathType Container`, then);
  }

  ifFile(path: string, then: () => void, otherwise: () => void): void {
    this.#when(`Test-Path -LiteralPath ${quote(path)}`, then, otherwise);
  }

  /** PowerShell cannot hand a program a descriptor of its own. */
  startCountingReceived(): void {}

  stopCountingReceived(): void {}

  #when(condition: string, then: () => void, otherwise?: () => void): void {
    this.line(`if (${condition}) {`);
    then();
    if (otherwise !== undefined) {
      this.line("} else {");
      otherwise();
    }
    this.line("}");
  }
}

function call(words: readonly string[]): string {
  return `& ${words.map(quote).join(" ")}`;
}

function environmentName(name: string): string {
  return /^\w+$/.test(name) ? `env:${name}` : variableName(`env:${name}`);
}

/** Variables of PowerShell's own that cannot be set, in lower case. Source: about_Automatic_Variables. */
const reservedNames: ReadonlySet<string> = new Set([
  "?",
  "^",
  "$",
  "enabledexperimentalfeatures",
  "error",
  "executioncontext",
  "false",
  "home",
  "host",
  "iscoreclr",
  "islinux",
  "ismacos",
  "iswindows",
  "null",
  "pid",
  "psculture",
  "psedition",
  "pshome",
  "psuiculture",
  "psversiontable",
  "shellid",
  "true",
]);

function isReserved(name: string): boolean {
  return reservedNames.has(name.toLowerCase());
}
