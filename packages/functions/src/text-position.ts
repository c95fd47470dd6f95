/** Line and column of an offset in a text, both from 1; columns count characters, not UTF-16 units. */
export function positionOf(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf("\n") + 1;
  let line = 1;
  for (let at = before.indexOf("\n"); at >= 0; at = before.indexOf("\n", at + 1)) line++;
  return { line, column: [...before.slice(lineStart)].length + 1 };
}

const maxExcerptWidth = 100;
const excerptContext = 40;

/** The line around an offset, cut when it is long, and below it a caret under the offset. */
export function excerptAt(text: string, offset: number): string {
  const lineStart = text.lastIndexOf("\n", offset - 1) + 1;
  const newline = text.indexOf("\n", offset);
  const lineEnd = newline < 0 ? text.length : newline;
  const from = offset - lineStart > maxExcerptWidth - excerptContext ? offset - excerptContext : lineStart;
  const to = Math.min(lineEnd, from + maxExcerptWidth);
  const lead = from > lineStart ? "…" : "";
  const tail = to < lineEnd ? "…" : "";
  const shown = text
    .slice(from, to)
    .replace(/[\t\r]/g, " ")
    .toWellFormed();
  const caretColumn = lead.length + [...text.slice(from, offset)].length;
  return `${lead}${shown}${tail}\n${" ".repeat(caretColumn)}^`;
}
