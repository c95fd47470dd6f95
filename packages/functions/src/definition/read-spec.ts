import type { JsonValue } from "../expression/json-value.ts";
import type { FunctionSpec, ValueDeclaration, ValueType } from "./function-file.ts";
import { namePattern } from "./name.ts";
import { typeOf, valueTypes } from "./value-type.ts";
import type { DefinitionReader, Field } from "./yaml-reader.ts";

const nothing: FunctionSpec = { inputs: new Map(), outputs: new Map() };

/** Reads the first document of a definition file, which may be empty (ci-functions.md §3.2). */
export function readSpec(reader: DefinitionReader, root: Field): FunctionSpec {
  if (reader.isNothing(root)) return nothing;
  const spec = reader.map(root, ["spec"])?.get("spec");
  if (spec === undefined || reader.isNothing(spec)) return nothing;
  const fields = reader.map(spec, ["inputs", "outputs"]);
  const outputs = fields?.get("outputs");
  return {
    inputs: readDeclarations(reader, fields?.get("inputs")),
    outputs: isText(reader, outputs) ? readDelegate(reader, outputs) : readDeclarations(reader, outputs),
  };
}

function isText(reader: DefinitionReader, field: Field | undefined): field is Field {
  return field !== undefined && reader.kindOf(field) === "a string";
}

function readDelegate(reader: DefinitionReader, field: Field): "delegate" {
  if (reader.string(field) !== "delegate") reader.report(field, 'must be a map of outputs, or the word "delegate"');
  return "delegate";
}

function readDeclarations(reader: DefinitionReader, field: Field | undefined): Map<string, ValueDeclaration> {
  const declarations = new Map<string, ValueDeclaration>();
  if (field === undefined || reader.isNothing(field)) return declarations;
  for (const [name, entry] of reader.map(field) ?? []) {
    if (!namePattern.test(name)) reader.report(entry, "names consist of letters, digits and _, with no leading digit");
    const declaration = readDeclaration(reader, entry);
    if (declaration !== undefined) declarations.set(name, declaration);
  }
  return declarations;
}

function readDeclaration(reader: DefinitionReader, field: Field): ValueDeclaration | undefined {
  const types = valueTypes.join(", ");
  if (reader.isNothing(field)) return reader.report(field, `type is missing, expected a map with type: ${types}`);
  const fields = reader.map(field, ["type", "default", "sensitive", "description"]);
  if (fields === undefined) return undefined;
  const typeField = fields.get("type");
  if (typeField === undefined) return reader.report(field, `type is missing, expected one of ${types}`);
  const written = reader.string(typeField);
  if (written === undefined) return undefined;
  const type = valueTypes.find((known) => known === written);
  if (type === undefined) return reader.report(typeField, `must be one of ${types}, found "${written}"`);
  const sensitive = fields.get("sensitive");
  const description = fields.get("description");
  return {
    type,
    default: readDefault(reader, fields.get("default"), type),
    sensitive: sensitive !== undefined && (reader.boolean(sensitive) ?? false),
    description: description === undefined ? undefined : reader.string(description),
  };
}

/** Literal, never a template; `null` counts as absent. */
function readDefault(reader: DefinitionReader, field: Field | undefined, type: ValueType): JsonValue | undefined {
  if (field === undefined || reader.isNothing(field)) return undefined;
  const value = reader.json(field);
  if (value === undefined) return undefined;
  if (typeOf(value) === type) return value;
  return reader.report(field, `default must be of the declared type ${type}, found ${typeOf(value)}`);
}
