import { z } from "zod";

/** What a value of a key is, for reading it from an environment variable and for the reference. */
export type KeyKind = "text" | "number" | "boolean" | "list" | "map";

/** One key of a table, at any depth. */
export interface TableKey {
  /** `["endpoints", "*", "url"]`; `*` stands for an index. */
  readonly path: readonly string[];
  readonly kind: KeyKind;
  /** As TOML would say it; undefined: none. */
  readonly defaultValue: unknown;
  readonly isRequired: boolean;
  readonly description: string;
}

/** All keys of a schema that hold a value, in its order. */
export function keysOf(schema: z.ZodObject, path: readonly string[] = []): TableKey[] {
  return Object.entries(schema.shape).flatMap(([name, inner]) => keysBelow(inner as z.ZodType, [...path, name]));
}

function keysBelow(schema: z.ZodType, path: readonly string[]): TableKey[] {
  const bare = bareSchema(schema);
  if (bare instanceof z.ZodObject) return keysOf(bare, path);
  if (bare instanceof z.ZodArray && bareSchema(bare.element as z.ZodType) instanceof z.ZodObject) {
    return keysBelow(bare.element as z.ZodType, [...path, "*"]);
  }
  return [
    {
      path,
      kind: kindOf(bare),
      defaultValue: schema instanceof z.ZodDefault ? schema.def.defaultValue : undefined,
      isRequired: !schema.safeParse(undefined).success,
      description: schema.description ?? "",
    },
  ];
}

/** Without what wraps it: optional, default, transformation. */
export function bareSchema(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return bareSchema(schema.unwrap() as z.ZodType);
  }
  return schema instanceof z.ZodPipe ? bareSchema(schema.in as z.ZodType) : schema;
}

function kindOf(schema: z.ZodType): KeyKind {
  if (schema instanceof z.ZodNumber) return "number";
  if (schema instanceof z.ZodBoolean) return "boolean";
  if (schema instanceof z.ZodArray) return "list";
  return schema instanceof z.ZodRecord ? "map" : "text";
}
