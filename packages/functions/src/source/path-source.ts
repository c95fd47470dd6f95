import { readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { FunctionFile } from "../definition/function-file.ts";
import { definitionError, readFunctionText } from "../definition/read-function.ts";
import type { DefinitionLocation } from "../definition/reference.ts";
import { FunctionError } from "../function-error.ts";

const defaultFiles = ["func.yml", "step.yml"] as const; // newer name first (ci-functions.md §2.3)

/** A definition file that was found. */
export interface FoundDefinition {
  /** Absolute: `func_dir`. */
  readonly directory: string;
  readonly fileName: string;
  readonly text: string;
}

/**
 * Finds the definition file of a function below a directory.
 *
 * @param base absolute directory that relative locations start from.
 * @param shown what messages call the function.
 * @throws {FunctionError} `function_not_found`
 */
export async function findDefinition(
  base: string,
  location: DefinitionLocation,
  shown: string,
): Promise<FoundDefinition> {
  const directory = resolve(base, location.directory);
  const names = location.file === undefined ? defaultFiles : [location.file];
  for (const fileName of names) {
    const text = await readText(join(directory, fileName));
    if (text !== undefined) return { directory, fileName, text };
  }
  const isDirectory = await stat(directory).then(
    (found) => found.isDirectory(),
    () => false,
  );
  const what = isDirectory ? `has no ${names.join(" and no ")}` : "does not exist";
  throw new FunctionError(`function ${shown}: ${what}${isDirectory ? "" : ` (looked in ${directory})`}`, {
    code: "function_not_found",
  });
}

/** Reads definition files; remembers those read, by their text, because jobs call the same functions again and again. */
export class DefinitionLoader {
  readonly #read = new Map<string, FunctionFile>();

  /**
   * @param base as for {@link findDefinition}, like `location` and `shown`.
   * @throws {FunctionError} `function_not_found`, `invalid_definition`
   */
  async load(
    base: string,
    location: DefinitionLocation,
    shown: string,
  ): Promise<{ readonly directory: string; readonly file: FunctionFile }> {
    const { directory, fileName, text } = await findDefinition(base, location, shown);
    const known = this.#read.get(text);
    if (known !== undefined) return { directory, file: known };
    const { file, problems } = readFunctionText(text, `${shown.replace(/\/?[^/]*\.yml$/, "")}/${fileName}`);
    if (file === undefined) throw definitionError(problems);
    if (text.length <= maxRememberedLength) this.#remember(text, file);
    return { directory, file };
  }

  #remember(text: string, file: FunctionFile): void {
    const [oldest] = this.#read.keys();
    if (this.#read.size >= maxRemembered && oldest !== undefined) this.#read.delete(oldest);
    this.#read.set(text, file);
  }
}

const maxRemembered = 200;
const maxRememberedLength = 64 * 1024;
const maxDefinitionBytes = 4 * 1024 * 1024;

async function readText(path: string): Promise<string | undefined> {
  try {
    const bytes = await readFile(path);
    if (bytes.length <= maxDefinitionBytes) return bytes.toString();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new FunctionError(`${path} cannot be read (${code})`, { code: "function_not_found", cause: error });
  }
  throw new FunctionError(`${path} is too large for a definition`, { code: "invalid_definition" });
}
