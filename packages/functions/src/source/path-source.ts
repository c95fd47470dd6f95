import { join, resolve } from "node:path";
import type { FunctionFile } from "../definition/function-file.ts";
import { definitionError, readFunctionText } from "../definition/read-function.ts";
import type { DefinitionLocation } from "../definition/reference.ts";
import { FunctionError } from "../function-error.ts";
import type { HostFiles } from "../run/host-files.ts";

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
 * @param files where the function is.
 * @param base absolute directory that relative locations start from.
 * @param shown what messages call the function.
 * @throws {FunctionError} `function_not_found`
 */
export async function findDefinition(
  files: HostFiles,
  base: string,
  location: DefinitionLocation,
  shown: string,
): Promise<FoundDefinition> {
  const directory = resolve(base, location.directory);
  const names = location.file === undefined ? defaultFiles : [location.file];
  for (const fileName of names) {
    const text = await readText(files, join(directory, fileName));
    if (text !== undefined) return { directory, fileName, text };
  }
  const isDirectory = await files.isDirectory(directory);
  const what = isDirectory ? `has no ${names.join(" and no ")}` : "does not exist";
  throw new FunctionError(`function ${shown}: ${what}${isDirectory ? "" : ` (looked in ${directory})`}`, {
    code: "function_not_found",
  });
}

/** Reads definition files; remembers those read, by their text, because jobs call the same functions again and again. */
export class DefinitionLoader {
  readonly #read = new Map<string, FunctionFile>();

  /**
   * All parameters are those of {@link findDefinition}.
   *
   * @throws {FunctionError} `function_not_found`, `invalid_definition`
   */
  async load(
    files: HostFiles,
    base: string,
    location: DefinitionLocation,
    shown: string,
  ): Promise<{ readonly directory: string; readonly file: FunctionFile }> {
    const { directory, fileName, text } = await findDefinition(files, base, location, shown);
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

async function readText(files: HostFiles, path: string): Promise<string | undefined> {
  const content = await files.readFile(path, { maxBytes: maxDefinitionBytes, followsLinks: true });
  switch (content.kind) {
    case "text":
      return content.text;
    case "missing":
      return undefined;
    case "too-large":
      throw new FunctionError(`${path} is too large for a definition`, { code: "invalid_definition" });
    case "not-regular":
      throw new FunctionError(`${path} is no regular file`, { code: "function_not_found" });
    case "unreadable":
      throw new FunctionError(`${path} cannot be read (${content.why})`, { code: "function_not_found" });
  }
}
