import type { FunctionSpec } from "../definition/function-file.ts";
import type { JsonValue } from "../expression/json-value.ts";
import { FunctionError, type FunctionErrorCode } from "../function-error.ts";
import type { JobRun } from "./job-run.ts";
import { type JsonLines, plainDecimal, readJsonLines } from "./json-lines.ts";
import { checkOutputs, outputValues, type StepOutputs } from "./outputs.ts";

const maxFileBytes = 16 * 1024 * 1024;

/**
 * Reads what a command wrote to its output file (ci-functions.md §4.3, §4.5).
 *
 * @throws {FunctionError} `invalid_output`
 */
export async function readOutputFile(job: JobRun, path: string, spec: FunctionSpec): Promise<StepOutputs> {
  const content = await readSmallFile(job, path, "invalid_output");
  if (spec.outputs === "delegate") return delegatedOutputs(content);
  const values = await valuesOf(job, readJsonLines(content), "invalid_output");
  return checkOutputs(job, outputValues(values), spec, { looseTypes: false });
}

/** With `outputs: delegate` the file holds one step result, whose outputs count (§4.3, §6). */
function delegatedOutputs(content: string): StepOutputs {
  let result: unknown;
  try {
    result = JSON.parse(content);
  } catch {
    result = undefined; // the parser's message would quote the file
  }
  if (typeof result !== "object" || result === null || Array.isArray(result)) {
    throw new FunctionError("must hold one JSON document, the result of a step", { code: "invalid_output" });
  }
  const { outputs } = result as { outputs?: JsonValue };
  if (outputs === undefined || outputs === null) return new Map();
  if (typeof outputs !== "object" || Array.isArray(outputs)) {
    throw new FunctionError('"outputs" of the step result must be an object', { code: "invalid_output" });
  }
  return outputValues(Object.entries(outputs));
}

/**
 * Reads what a command wrote to its export file, as environment texts (§4.5).
 *
 * @throws {FunctionError} `invalid_export`
 */
export async function readExportFile(job: JobRun, path: string): Promise<ReadonlyMap<string, string>> {
  const lines = readJsonLines(await readSmallFile(job, path, "invalid_export"));
  const exports = new Map<string, string>();
  for (const [name, value] of await valuesOf(job, lines, "invalid_export")) {
    if (/[=\0]/.test(name)) throw invalidExport(name, "names of exports hold no = and no NUL");
    exports.set(name, exportText(name, value));
  }
  return exports;
}

function exportText(name: string, value: Exclude<JsonValue, null>): string {
  if (typeof value === "number") return plainDecimal(value);
  if (typeof value === "boolean") return String(value);
  if (typeof value !== "string") {
    throw invalidExport(name, `cannot convert value type ${Array.isArray(value) ? "array" : "struct"} to string`);
  }
  if (value.includes("\0")) throw invalidExport(name, "values of exports hold no NUL");
  return value;
}

function invalidExport(name: string, what: string): FunctionError {
  return new FunctionError(`key ${JSON.stringify(name)}: ${what}`, { code: "invalid_export" });
}

async function valuesOf(job: JobRun, lines: JsonLines, code: FunctionErrorCode) {
  if (lines.kind === "values") return lines.values;
  // the line may hold a secret: only the masked log may see it, and only in debug mode
  if (job.debug) await job.log.line(`line ${lines.line}: ${lines.text}`);
  throw new FunctionError(`failed to unmarshal JSON at line ${lines.line}: ${lines.what}`, { code });
}

/** A file the command may have replaced by anything; a missing one counts as empty. */
async function readSmallFile(job: JobRun, path: string, code: FunctionErrorCode): Promise<string> {
  const content = await job.processes.files.readFile(path, { maxBytes: maxFileBytes });
  switch (content.kind) {
    case "text":
      return content.text;
    case "missing":
      return "";
    case "not-regular":
      throw new FunctionError("is no regular file any more", { code });
    case "too-large":
      throw new FunctionError(`is larger than ${maxFileBytes} bytes`, { code });
    case "unreadable":
      throw new FunctionError(`cannot be read (${content.why})`, { code });
  }
}
