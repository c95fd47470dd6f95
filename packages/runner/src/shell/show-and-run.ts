import type { ScriptWriter } from "./script-writer.ts";
import type { ScriptContext, ScriptPart } from "./shell-dialect.ts";

/**
 * Writes entries that are shown, green, before each is run. All run in one shell, so `cd` and `export` carry over.
 *
 * @param marks where to say that an entry begins; entries are counted on from `firstIndex`.
 *
 * Rule: runner-protocol.md §3.6.
 */
export function showAndRun(
  script: ScriptWriter,
  part: ScriptPart,
  context: ScriptContext,
  marks?: { readonly file: string; readonly firstIndex: number },
): void {
  for (const [index, entry] of part.entries.entries()) {
    const command = entry.trim();
    if (marks !== undefined) script.markEntry(marks.file, marks.firstIndex + index);
    show(script, command, `section_${part.sectionPrefix}_${index}`, context);
    script.entry(command);
  }
}

/** A section holds the command's text and is over before the command runs. */
function show(script: ScriptWriter, command: string, section: string, context: ScriptContext): void {
  const firstLine = command.split("\n", 1)[0];
  if (command === "") script.print("");
  else if (firstLine === command) script.notice(`$ ${command}`);
  else if (context.showsScriptSections) script.printInSection(section, `$ ${command}`);
  else script.notice(`$ ${firstLine} # collapsed multi-line command`);
}
