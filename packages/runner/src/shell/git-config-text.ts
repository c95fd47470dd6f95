/**
 * The text of a git configuration file, so that it is written at once instead of by a `git config` process per entry.
 *
 * @param entries `[section, subsection, key, value]`; the subsection is empty when there is none.
 */
export function gitConfigText(entries: readonly GitConfigEntry[]): string {
  return entries
    .map(([section, subsection, key, value]) => `[${sectionName(section, subsection)}]\n\t${key} = ${quoted(value)}\n`)
    .join("");
}

export type GitConfigEntry = readonly [section: string, subsection: string, key: string, value: string];

function sectionName(section: string, subsection: string): string {
  return subsection === "" ? section : `${section} "${subsection.replace(/["\\]/g, "\\$&")}"`;
}

function quoted(value: string): string {
  const escaped = value.replace(/["\\]/g, "\\$&").replaceAll("\n", "\\n").replaceAll("\t", "\\t");
  return `"${escaped}"`;
}
