import { dirname, join, resolve } from "node:path";
import type { ExecDefinition, FunctionFile, RunDefinition, StepDefinition } from "./definition/function-file.ts";
import { splitPath } from "./definition/parse-reference.ts";
import { definitionError, readFunctionText } from "./definition/read-function.ts";
import type { DefinitionProblem } from "./definition/yaml-reader.ts";
import { ExpressionError } from "./expression/expression-error.ts";
import type { JsonValue } from "./expression/json-value.ts";
import { isTemplate, parseTemplate } from "./expression/template.ts";
import { FunctionError } from "./function-error.ts";
import { createLocalFiles } from "./run/local-files.ts";
import { findDefinition } from "./source/path-source.ts";

const localFiles = createLocalFiles();

/** What a check of a function found. */
export interface FunctionCheck {
  /** Path of the definition file, absolute. */
  readonly path: string;
  /** Undefined when there are problems with the file itself. */
  readonly file: FunctionFile | undefined;
  /** Empty for a good function. Those of the file and, in local functions it calls, of theirs. */
  readonly problems: readonly DefinitionProblem[];
}

/**
 * Reads a function from a directory, or from a definition file (ci-functions.md §2.3).
 *
 * @throws {FunctionError} `function_not_found`, or `invalid_definition` with all problems, each with line and column.
 */
export async function loadFunction(path: string): Promise<FunctionFile> {
  const { file, problems } = await readAt(path);
  if (file === undefined) throw definitionError(problems);
  return file;
}

/**
 * Checks a function without running it: its definition file, every template in it, and the local functions it calls, with
 * the inputs they are given. What Git and registries hold is not looked at.
 *
 * @throws {FunctionError} `function_not_found`
 */
export async function checkFunction(path: string): Promise<FunctionCheck> {
  const { file, problems, definitionPath } = await readAt(path);
  if (file === undefined) return { path: definitionPath, file, problems };
  const found = [...templateProblems(file.definition)];
  if (file.definition.form === "run") {
    for (const [index, step] of file.definition.steps.entries()) {
      found.push(...(await callProblems(dirname(definitionPath), `run[${index}]`, step)));
    }
  }
  return { path: definitionPath, file, problems: found };
}

async function readAt(path: string) {
  const found = await findDefinition(localFiles, "/", splitPath(resolve(path)), path);
  const definitionPath = join(found.directory, found.fileName);
  return {
    ...readFunctionText(found.text, join(path.endsWith(".yml") ? dirname(path) : path, found.fileName)),
    definitionPath,
  };
}

function* templateProblems(definition: ExecDefinition | RunDefinition): Generator<DefinitionProblem> {
  for (const [path, text] of templatesOf(definition)) {
    try {
      parseTemplate(text);
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      const { line, column, excerpt } = error;
      yield { message: `${path}: ${error.message}`, place: { file: path, line, column, excerpt } };
    }
  }
}

/** Every string that is evaluated, with the path of its field (§3.4). */
function* templatesOf(definition: ExecDefinition | RunDefinition): Generator<[path: string, text: string]> {
  yield* textsOf("env", Object.fromEntries(definition.env));
  if (definition.form === "exec") {
    yield* textsOf("exec.command", definition.command);
    yield* textsOf("exec.work_dir", definition.workDir ?? "");
    return;
  }
  yield* textsOf("outputs", Object.fromEntries(definition.outputs));
  for (const [index, step] of definition.steps.entries()) {
    const path = `run[${index}]`;
    if (step.reference.kind === "dynamic") yield* textsOf(`${path}.func`, step.reference.template);
    if (step.reference.kind === "expanded") yield* textsOf(`${path}.func`, Object.fromEntries(step.reference.fields));
    yield* textsOf(step.reference.kind === "script" ? path : `${path}.inputs`, Object.fromEntries(step.inputs));
    yield* textsOf(`${path}.env`, Object.fromEntries(step.env));
  }
}

function* textsOf(path: string, value: JsonValue): Generator<[path: string, text: string]> {
  if (typeof value === "string") {
    if (isTemplate(value)) yield [path, value];
  } else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) yield* textsOf(`${path}[${index}]`, item);
  } else if (typeof value === "object" && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      yield* textsOf(path, key);
      yield* textsOf(`${path}.${key}`, item);
    }
  }
}

/** Whether a local function that is called exists, is sound, and takes what it is given. */
async function callProblems(base: string, path: string, step: StepDefinition): Promise<DefinitionProblem[]> {
  if (step.reference.kind !== "path") return [];
  const problem = (message: string): DefinitionProblem => ({ message: `${path}: ${message}`, place: undefined });
  try {
    const { written } = step.reference;
    const { text, fileName } = await findDefinition(localFiles, base, step.reference, written);
    const { file, problems } = readFunctionText(
      text,
      join(written.endsWith(".yml") ? dirname(written) : written, fileName),
    );
    if (file === undefined) return [...problems];
    const unknown = [...step.inputs.keys()].filter((name) => !file.spec.inputs.has(name));
    const missing = [...file.spec.inputs].filter(
      ([name, input]) => input.default === undefined && !step.inputs.has(name),
    );
    return [
      ...unknown.map((name) => problem(`${written} does not accept input "${name}"`)),
      ...missing.map(([name]) => problem(`${written} requires input "${name}"`)),
    ];
  } catch (error) {
    if (error instanceof FunctionError) return [problem(error.message)];
    throw error;
  }
}
