/** A table without its undefined values, for types that tell "not there" from "undefined". */
export function definedOnly<Table extends Readonly<Record<string, unknown>>>(
  table: Table,
): { [Key in keyof Table]?: Exclude<Table[Key], undefined> } {
  return Object.fromEntries(Object.entries(table).filter(([, value]) => value !== undefined)) as {
    [Key in keyof Table]?: Exclude<Table[Key], undefined>;
  };
}
