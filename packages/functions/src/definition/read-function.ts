import { FunctionError, type TextPlace } from "../function-error.ts";
import type { FunctionFile, StepDefinition } from "./function-file.ts";
import { readDefinition } from "./read-definition.ts";
import { readSpec } from "./read-spec.ts";
import { readSteps } from "./read-steps.ts";
import { type DefinitionProblem, DefinitionReader } from "./yaml-reader.ts";

const maxDefinitionBytes = 4 * 1024 * 1024;

/** A definition file as read; `file` is undefined when there are problems. */
export interface FunctionFileReading {
  readonly file: FunctionFile | undefined;
  readonly problems: readonly DefinitionProblem[];
}

/**
 * Reads a definition file: two YAML documents, interface and implementation (ci-functions.md §3).
 *
 * @param fileName for messages.
 * @returns all problems found, each with line and column; never throws for a bad text.
 */
export function readFunctionText(text: string, fileName: string): FunctionFileReading {
  if (text.length > maxDefinitionBytes) {
    return { file: undefined, problems: [{ message: "the file is too long for a definition", place: undefined }] };
  }
  const reader = DefinitionReader.ofText(text, fileName);
  if (reader.problems.length > 0) return { file: undefined, problems: reader.problems };
  if (reader.documentCount < 2) {
    reader.report(
      reader.root(0),
      'two documents separated by a line "---" are expected, the interface (spec) and the implementation (exec or run), ' +
        `found ${reader.documentCount}`,
    );
    return { file: undefined, problems: reader.problems };
  }
  const spec = readSpec(reader, reader.root(0));
  const definition = readDefinition(reader, reader.root(1), spec);
  const file = definition === undefined || reader.problems.length > 0 ? undefined : { spec, definition };
  return { file, problems: reader.problems };
}

/**
 * Reads the job's own list: the JSON text of the payload's `run`, or what it holds (§1.6).
 *
 * @throws {FunctionError} `invalid_definition` or `unsupported`
 */
export function readJobSteps(steps: string | readonly unknown[]): StepDefinition[] {
  const reader = DefinitionReader.ofData(typeof steps === "string" ? parseJson(steps) : steps);
  const list = readSteps(reader, { ...reader.root(0), path: "run" });
  if (reader.problems.length > 0) throw definitionError(reader.problems);
  return list;
}

function parseJson(text: string): unknown {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    parsed = undefined; // the parser's message quotes the text, which may hold a secret
  }
  if (parsed !== undefined) return parsed;
  throw new FunctionError("run: must be a JSON list of steps, and is no JSON", { code: "invalid_definition" });
}

/** One error for all problems of a file: the first in full, the rest below it. */
export function definitionError(problems: readonly DefinitionProblem[]): FunctionError {
  const [first] = problems;
  const place = first?.place;
  const lines = problems.map(({ message, place: at }) => `${at === undefined ? "" : `${printPlace(at)}: `}${message}`);
  return new FunctionError(lines.join("; "), {
    code: problems.some(({ unsupported }) => unsupported) ? "unsupported" : "invalid_definition",
    ...(place === undefined ? {} : { place }),
  });
}

/** `func.yml:3:5`, as editors and terminals understand it. */
export function printPlace(place: TextPlace): string {
  return `${place.file ?? "line"}:${place.line}:${place.column}`;
}
