import { ansi } from "../ansi.ts";
import type { ScriptContext, ScriptPart } from "../shell-dialect.ts";
import { commandMark } from "./command-mark.ts";
import type { PosixScript } from "./posix-script.ts";

/**
 * Writes entries that are shown, green, before each is run. All run in one shell, so `cd` and `export` carry over.
 *
 * @param marks where to say that an entry begins; entries are counted on from `firstIndex`.
 *
 * Rule: runner-protocol.md §3.6.
 */
export function showAndRun(
  script: PosixScript,
  part: ScriptPart,
  context: ScriptContext,
  marks?: { readonly file: string; readonly firstIndex: number },
): void {
  for (const [index, entry] of part.entries.entries()) {
    const command = entry.trim();
    if (marks !== undefined) script.line(commandMark(script.quote(marks.file), marks.firstIndex + index));
    show(script, command, `section_${part.sectionPrefix}_${index}`, context);
    script.line(command);
    if (context.checksExitCodes) {
      script.line("_runner_exit_code=$?; if [ $_runner_exit_code -ne 0 ]; then exit $_runner_exit_code; fi");
    }
  }
}

function show(script: PosixScript, command: string, section: string, context: ScriptContext): void {
  const firstLine = command.split("\n", 1)[0];
  if (command === "") script.line("echo");
  else if (firstLine === command) script.notice(`$ ${command}`);
  else if (context.showsScriptSections) showInSection(script, command, section);
  else script.notice(`$ ${firstLine} # collapsed multi-line command`);
}

/** The section holds the command's text and is over before the command runs. */
function showInSection(script: PosixScript, command: string, name: string): void {
  const now = `"\${EPOCHSECONDS:-$(date +%s)}"`;
  const heading = `[hide_duration=true,collapsed=true]\r${ansi.clearLine}${ansi.boldGreen}$ ${command}${ansi.reset}`;
  script.line(`printf 'section_start:%s:%s%s\\n' ${now} ${name} ${script.quote(heading)}`);
  script.line(`printf 'section_end:%s:%s%s\\n' ${now} ${name} ${script.quote(`\r${ansi.clearLine}`)}`);
}
