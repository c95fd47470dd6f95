import type { JsonValue } from "../expression/json-value.ts";
import { FunctionError } from "../function-error.ts";
import type { StepDefinition } from "./function-file.ts";
import { namePattern } from "./name.ts";
import { expandedFields, parseReference } from "./parse-reference.ts";
import type { FunctionReference } from "./reference.ts";
import type { DefinitionReader, Field } from "./yaml-reader.ts";

const implementations = ["func", "step", "script", "action"] as const;

/** Reads a list of steps (ci-functions.md §1.2). An empty list is legal. */
export function readSteps(reader: DefinitionReader, field: Field): StepDefinition[] {
  const items = reader.list(field) ?? [];
  return items.map((item) => readStep(reader, item)).filter((step) => step !== undefined);
}

function readStep(reader: DefinitionReader, item: Field): StepDefinition | undefined {
  const fields = reader.map(item, ["name", ...implementations, "inputs", "env"]);
  if (fields === undefined) return undefined;
  const name = readName(reader, item, fields.get("name"));
  const [implementation, second] = implementations.filter((key) => fields.has(key));
  if (implementation === undefined) return reader.report(item, 'one of "func", "step" and "script" must be given');
  if (second !== undefined) return reader.report(item, `"${implementation}" and "${second}" cannot be combined`);
  const field = fields.get(implementation) ?? item;
  const env = readEnv(reader, fields.get("env"));
  if (implementation === "action") {
    return reader.report(field, '"action" steps are not supported; call a function with "func" instead', {
      unsupported: true,
    });
  }
  if (implementation === "script") {
    const inputs = fields.get("inputs");
    if (inputs !== undefined) reader.report(inputs, '"script" and "inputs" cannot be combined');
    const script = reader.string(field);
    if (script === "") reader.report(field, "must not be empty");
    if (name === undefined || script === undefined) return undefined;
    return { name, reference: { kind: "script" }, inputs: new Map([["script", script]]), env };
  }
  const reference = readReference(reader, field);
  const inputs = readValues(reader, fields.get("inputs"));
  return name === undefined || reference === undefined ? undefined : { name, reference, inputs, env };
}

function readName(reader: DefinitionReader, item: Field, field: Field | undefined): string | undefined {
  if (field === undefined) return reader.report(item, "name is missing");
  const name = reader.string(field);
  if (name === undefined || namePattern.test(name)) return name;
  return reader.report(field, `"${name}" must consist of letters, digits and _, with no leading digit`);
}

/** A string, or a map with one of `git` and `oci` (§2). */
function readReference(reader: DefinitionReader, field: Field): FunctionReference | undefined {
  if (reader.kindOf(field) === "a string") return readReferenceText(reader, field);
  const forms = reader.map(field, ["git", "oci"]);
  if (forms === undefined) return undefined;
  const [form, other] = [...forms.keys()];
  if ((form !== "git" && form !== "oci") || other !== undefined) {
    return reader.report(field, 'exactly one of "git" and "oci" must be given');
  }
  const { required, optional } = expandedFields[form];
  const place = forms.get(form) ?? field;
  const entries = reader.map(place, [...required, ...optional]);
  if (entries === undefined) return undefined;
  const texts = new Map<string, string>();
  for (const [key, entry] of entries) texts.set(key, reader.scalarText(entry) ?? "");
  for (const key of required) {
    if (!texts.has(key) || (texts.get(key) === "" && key !== "tag")) reader.report(place, `${key} is missing`);
  }
  return { kind: "expanded", protocol: form, fields: texts };
}

function readReferenceText(reader: DefinitionReader, field: Field): FunctionReference | undefined {
  const text = reader.string(field);
  if (text === undefined) return undefined;
  try {
    return parseReference(text);
  } catch (error) {
    if (error instanceof FunctionError) return reader.report(field, error.message);
    throw error;
  }
}

/** `env`: any scalars, taken as their source text (§1.3). */
export function readEnv(reader: DefinitionReader, field: Field | undefined): Map<string, string> {
  const env = new Map<string, string>();
  for (const [name, entry] of namedEntries(reader, field)) {
    const text = reader.scalarText(entry);
    if (text !== undefined) env.set(name, text);
  }
  return env;
}

/** `inputs` and `outputs`: any values. */
export function readValues(reader: DefinitionReader, field: Field | undefined): Map<string, JsonValue> {
  const values = new Map<string, JsonValue>();
  for (const [name, entry] of namedEntries(reader, field)) {
    const value = reader.json(entry);
    if (value !== undefined) values.set(name, value);
  }
  return values;
}

function namedEntries(reader: DefinitionReader, field: Field | undefined): [string, Field][] {
  if (field === undefined || reader.isNothing(field)) return [];
  const entries = [...(reader.map(field) ?? [])];
  for (const [name, entry] of entries) {
    if (!namePattern.test(name)) {
      reader.report(entry, `"${name}" must consist of letters, digits and _, with no leading digit`);
    }
  }
  return entries;
}
