import { z } from "zod";
import { bareSchema } from "./schema/table-keys.ts";

type Table = Readonly<Record<string, unknown>>;

/** A table with its keys in the schema's spelling, and the keys that the schema does not know. */
export interface AlignedTable {
  readonly table: Record<string, unknown>;
  /** Paths as in the file: `runners[0].frobnicate`. */
  readonly unknownKeys: readonly string[];
}

/**
 * Fits the keys of a parsed TOML table to a schema without regard to letter case (runner-protocol.md §6.1). Unknown keys,
 * and another spelling of a key that was already there, are left out and named. Tables whose keys are the user's own (records) are left as they are.
 */
export function alignKeys(schema: z.ZodObject, table: Table): AlignedTable {
  const unknownKeys: string[] = [];
  return { table: alignTable(schema, table, "", unknownKeys), unknownKeys };
}

function alignTable(schema: z.ZodObject, table: Table, prefix: string, unknownKeys: string[]) {
  const knownByLower = new Map(Object.keys(schema.shape).map((key) => [key.toLowerCase(), key]));
  const aligned: Record<string, unknown> = {};
  for (const [written, value] of Object.entries(table)) {
    const known = knownByLower.get(written.toLowerCase());
    const inner = known === undefined ? undefined : schema.shape[known];
    if (known === undefined || inner === undefined || known in aligned) unknownKeys.push(`${prefix}${written}`);
    else aligned[known] = alignValue(inner as z.ZodType, value, `${prefix}${written}`, unknownKeys);
  }
  return aligned;
}

function alignValue(schema: z.ZodType, value: unknown, path: string, unknownKeys: string[]): unknown {
  const bare = bareSchema(schema);
  if (bare instanceof z.ZodObject && isTable(value)) return alignTable(bare, value, `${path}.`, unknownKeys);
  if (bare instanceof z.ZodArray && Array.isArray(value)) {
    const element = bare.element as z.ZodType;
    return value.map((item, index) => alignValue(element, item, `${path}[${index}]`, unknownKeys));
  }
  return value;
}

function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
