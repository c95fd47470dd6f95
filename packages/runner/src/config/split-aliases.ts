/** Names of one service, in one text separated by blanks or commas. Rule: runner-protocol.md §1.8.6. */
export function splitAliases(alias: string): string[] {
  return alias.split(/[\s,]+/).filter((name) => name !== "");
}
