import { parseAllDocuments, stringify, type Tags, YAMLSeq } from "yaml";
import { CoordinatorError } from "../../coordinator-error.ts";

/** GitLab's `!reference [job, keyword, …]`, kept as it is until the expansion resolves it. */
export class Reference {
  readonly path: readonly string[];

  constructor(path: readonly string[]) {
    this.path = path;
  }
}

class ReferenceNode extends YAMLSeq {
  override toJSON(_key?: unknown, context?: Parameters<YAMLSeq["toJSON"]>[1]): unknown[] {
    // The `yaml` library takes whatever toJSON returns; its declared type knows only arrays.
    return new Reference(super.toJSON(_key, context).map(String)) as unknown as unknown[];
  }
}

const referenceTag = {
  tag: "!reference",
  collection: "seq" as const,
  nodeClass: ReferenceNode,
  identify: (value: unknown) => value instanceof Reference,
  createNode: (schema: ConstructorParameters<typeof YAMLSeq>[0], value: unknown) => {
    const node = new ReferenceNode(schema);
    for (const part of (value as Reference).path) node.items.push(part);
    node.flow = true;
    return node;
  },
};

/**
 * Reads a configuration file as GitLab does: YAML 1.1 (`yes` is true), merge keys, `!reference`; dates stay text.
 *
 * @param version `1.2` for what a program wrote.
 * @returns one value per document of the file: two when it begins with a `spec:` header.
 * @throws {CoordinatorError} `config-invalid` with file, line and column.
 */
export function parseConfigYaml(text: string, file: string, version: "1.1" | "1.2" = "1.1"): unknown[] {
  const documents = parseAllDocuments(text, {
    version,
    uniqueKeys: false,
    customTags: (tags: Tags) => [...tags.filter((tag) => !isReplaced(tag)), booleanTag, referenceTag],
  });
  if (!Array.isArray(documents)) return [];
  return documents.map((document) => {
    const error = document.errors[0];
    if (error !== undefined) {
      const where = error.linePos?.[0];
      const place = where === undefined ? file : `${file}:${where.line}:${where.col}`;
      const what = error.message.split(/ at line \d+/)[0];
      throw new CoordinatorError(`${place}: not valid YAML: ${what}`, { code: "config-invalid", cause: error });
    }
    return document.toJS({ maxAliasCount: 10_000 });
  });
}

/** Dates stay text, and booleans are those of GitLab's parser: `y` and `n` are none. */
function isReplaced(tag: Tags[number]): boolean {
  const name = typeof tag === "string" ? tag : tag.tag;
  return ["timestamp", "tag:yaml.org,2002:timestamp", "bool", "tag:yaml.org,2002:bool"].includes(name);
}

const booleanTag = {
  tag: "tag:yaml.org,2002:bool",
  default: true,
  identify: (value: unknown) => typeof value === "boolean",
  test: /^(?:yes|true|on|no|false|off)$/i,
  resolve: (text: string) => /^(?:yes|true|on)$/i.test(text),
};

/** Writes documents for a YAML 1.2 reader; `!reference` goes out as it came in. */
export function stringifyConfigYaml(documents: readonly unknown[]): string {
  return documents
    .map((document) => stringify(document, { customTags: [referenceTag], aliasDuplicateObjects: false, lineWidth: 0 }))
    .join("---\n");
}
