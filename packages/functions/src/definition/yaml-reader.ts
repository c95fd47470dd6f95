import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type ParsedNode,
  parseAllDocuments,
  visit,
  Document as YamlDocument,
} from "yaml";
import type { JsonValue } from "../expression/json-value.ts";
import type { TextPlace } from "../function-error.ts";
import { excerptAt } from "../text-position.ts";

/** One thing wrong with a definition, and where. */
export interface DefinitionProblem {
  /** Begins with the path of the field, for example `spec.inputs.age.type`. */
  readonly message: string;
  /** Undefined for lists that came as data. */
  readonly place: TextPlace | undefined;
  /** A form that is known and not offered. */
  readonly unsupported?: boolean;
}

/** A value somewhere in a document, with its path for messages. `node` is undefined where nothing was written. */
export interface Field {
  readonly node: Node | undefined;
  readonly path: string;
  /** Where to point when there is no node. */
  readonly near?: Node | undefined;
}

const maxDepth = 100;
const maxFields = 200_000;

/**
 * Reads YAML nodes into plain values and collects every problem with line and column, instead of stopping at the first.
 * Methods return undefined for what they have reported.
 */
export class DefinitionReader {
  readonly problems: DefinitionProblem[] = [];
  readonly #documents: readonly Document[];
  readonly #text: string;
  readonly #file: string | undefined;
  readonly #lines: LineCounter;
  readonly #aliased: ReadonlyMap<Alias, Node | undefined>;
  #fieldsLeft = maxFields;

  private constructor(documents: readonly Document[], text: string, file: string | undefined, lines: LineCounter) {
    this.#documents = documents;
    this.#text = text;
    this.#file = file;
    this.#lines = lines;
    this.#aliased = new Map(documents.flatMap(aliasesOf));
  }

  /** @param file name for messages. */
  static ofText(text: string, file: string | undefined): DefinitionReader {
    const lines = new LineCounter();
    const parsed = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
    const documents: Document[] = Array.isArray(parsed) ? parsed.slice(0, 2) : [];
    const reader = new DefinitionReader(documents, text, file, lines);
    for (const error of documents.flatMap((document) => document.errors)) {
      reader.problems.push({ message: `cannot read YAML: ${error.message}`, place: reader.#placeAt(error.pos[0]) });
    }
    for (const [alias, target] of reader.#aliased) {
      if (target === undefined) reader.report({ node: alias, path: "" }, `there is no anchor "&${alias.source}"`);
    }
    return reader;
  }

  /** For values that came as data; problems have no place then. */
  static ofData(data: unknown): DefinitionReader {
    return new DefinitionReader([new YamlDocument(data)], "", undefined, new LineCounter());
  }

  get documentCount(): number {
    return this.#documents.length;
  }

  root(index: number): Field {
    return { node: (this.#documents[index]?.contents as ParsedNode | null) ?? undefined, path: "" };
  }

  report(field: Field, what: string, facts: Pick<DefinitionProblem, "unsupported"> = {}): undefined {
    const offset = (field.node ?? field.near)?.range?.[0];
    this.problems.push({
      ...facts,
      message: field.path === "" ? what : `${field.path}: ${what}`,
      place: offset === undefined || this.#text === "" ? undefined : this.#placeAt(offset),
    });
    return undefined;
  }

  /** Kind of a field in words, for messages. */
  kindOf(field: Field): string {
    const node = this.resolve(field);
    if (node === undefined) return "nothing";
    if (isMap(node)) return "a map";
    if (isSeq(node)) return "a list";
    const value = isScalar(node) ? node.value : undefined;
    if (value === null || value === undefined) return "nothing";
    return typeof value === "string" ? "a string" : `the ${typeof value} ${String(value)}`;
  }

  isNothing(field: Field): boolean {
    const node = this.resolve(field);
    return node === undefined || (isScalar(node) && node.value === null);
  }

  /** Entries by key, in order. With `known`, other keys are reported, naming those that fit. */
  map(field: Field, known?: readonly string[]): Map<string, Field> | undefined {
    const node = this.resolve(field);
    if (!isMap(node)) return this.report(field, `must be a map, found ${this.kindOf(field)}`);
    const entries = new Map<string, Field>();
    for (const pair of node.items) {
      const keyField = { node: pair.key as Node, path: field.path };
      const key = isScalar(pair.key) && typeof pair.key.value === "string" ? pair.key.value : undefined;
      if (key === undefined) this.report(keyField, `keys must be strings, found ${this.kindOf(keyField)}`);
      else if (known !== undefined && !known.includes(key)) {
        this.report(keyField, `unknown key "${key}", expected ${known.join(", ")}`);
      } else {
        const value = (pair.value as Node | null) ?? undefined;
        entries.set(key, { node: value, near: pair.key as Node, path: childPath(field.path, key) });
      }
    }
    return entries;
  }

  list(field: Field): Field[] | undefined {
    const node = this.resolve(field);
    if (!isSeq(node)) return this.report(field, `must be a list, found ${this.kindOf(field)}`);
    return node.items.map((item, index) => ({ node: item as Node, path: `${field.path}[${index}]` }));
  }

  string(field: Field): string | undefined {
    const node = this.resolve(field);
    if (isScalar(node) && typeof node.value === "string") return node.value;
    return this.report(field, `must be a string, found ${this.kindOf(field)}`);
  }

  boolean(field: Field): boolean | undefined {
    const node = this.resolve(field);
    if (isScalar(node) && typeof node.value === "boolean") return node.value;
    return this.report(field, `must be true or false, found ${this.kindOf(field)}`);
  }

  /** Any scalar as it is written: `1` is "1", `true` is "true" (ci-functions.md §1.3). */
  scalarText(field: Field): string | undefined {
    const node = this.resolve(field);
    if (!isScalar(node)) return this.report(field, `must be a string, found ${this.kindOf(field)}`);
    if (typeof node.value === "string") return node.value;
    return node.source ?? (node.value === null ? "" : String(node.value));
  }

  /** Any value that JSON can say. */
  json(field: Field, depth = 0): JsonValue | undefined {
    if (depth > maxDepth) return this.report(field, "is nested too deeply");
    if (--this.#fieldsLeft < 0) return this.report(field, "the file has too many values");
    const node = this.resolve(field);
    if (isSeq(node)) {
      const items = (this.list(field) ?? []).map((item) => this.json(item, depth + 1));
      return items.every((item) => item !== undefined) ? items : undefined;
    }
    if (isMap(node)) {
      const entries = [...(this.map(field) ?? [])].map(([key, item]) => [key, this.json(item, depth + 1)] as const);
      return entries.every(([, item]) => item !== undefined) ? (Object.fromEntries(entries) as JsonValue) : undefined;
    }
    const value = isScalar(node) ? node.value : null;
    if (value === null || typeof value === "string" || typeof value === "boolean") return value;
    if (typeof value === "number" && Number.isFinite(value)) return value;
    return this.report(field, `${String(value)} is no value that JSON can say`);
  }

  /** The node itself, or what an alias stands for. */
  resolve(field: Field): Node | undefined {
    return isAlias(field.node) ? this.#aliased.get(field.node) : field.node;
  }

  #placeAt(offset: number): TextPlace {
    const { line, col } = this.#lines.linePos(offset);
    return {
      ...(this.#file === undefined ? {} : { file: this.#file }),
      line,
      column: col,
      excerpt: excerptAt(this.#text, offset),
    };
  }
}

function childPath(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}

/** Every alias of a document with the node it stands for: the last one before it with that anchor. */
function aliasesOf(document: Document): [Alias, Node | undefined][] {
  const anchors = new Map<string, Node>();
  const found: [Alias, Node | undefined][] = [];
  visit(document, {
    Node(_key, node) {
      if (isAlias(node)) {
        found.push([node, anchors.get(node.source)]);
      } else if (node.anchor !== undefined) anchors.set(node.anchor, node);
    },
  });
  return found;
}
