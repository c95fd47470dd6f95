import { readFileSync } from "node:fs";
import type { VariableInput } from "@jobscope/coordinator";
import { CommandError } from "../command-error.ts";

/** How `--variable`, `--masked-variable` and `--file-variable` are given. */
export interface VariableFlags {
  readonly variable?: readonly string[];
  readonly maskedVariable?: readonly string[];
  readonly fileVariable?: readonly string[];
}

/**
 * Flags → variables of the pipeline.
 *
 * `KEY=VALUE`, or `KEY` alone for the value of the environment variable of that name, so that a secret need not stand in
 * the command line, where every user of the machine can read it. `--file-variable KEY=PATH` takes the content of a file.
 *
 * @throws {CommandError} names the flag and the key, never a value.
 */
export function parseVariables(
  flags: VariableFlags,
  environment: Readonly<Record<string, string | undefined>>,
): VariableInput[] {
  return [
    ...(flags.variable ?? []).map((text) => keyAndValue("--variable", text, environment)),
    ...(flags.maskedVariable ?? []).map((text) => ({
      ...keyAndValue("--masked-variable", text, environment),
      masked: true,
    })),
    ...(flags.fileVariable ?? []).map(fileVariable),
  ];
}

function keyAndValue(
  flag: string,
  text: string,
  environment: Readonly<Record<string, string | undefined>>,
): { key: string; value: string } {
  const equals = text.indexOf("=");
  const key = checkedKey(flag, equals === -1 ? text : text.slice(0, equals));
  if (equals !== -1) return { key, value: text.slice(equals + 1) };
  const value = environment[key];
  if (value === undefined) {
    throw new CommandError(`${flag} ${key}: the environment has no variable of that name`, {
      hint: `Give its value: ${flag} ${key}=…`,
    });
  }
  return { key, value };
}

function fileVariable(text: string): VariableInput {
  const equals = text.indexOf("=");
  const key = checkedKey("--file-variable", equals === -1 ? text : text.slice(0, equals));
  if (equals === -1) throw new CommandError(`--file-variable ${key}: expected KEY=PATH`);
  const path = text.slice(equals + 1);
  try {
    return { key, value: readFileSync(path, "utf8"), file: true };
  } catch (cause) {
    throw new CommandError(`--file-variable ${key}: ${path} cannot be read`, { cause });
  }
}

/** GitLab's rule for keys: letters, digits and `_`. */
function checkedKey(flag: string, key: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(key)) return key;
  throw new CommandError(`${flag}: "${key}" is no variable name (letters, digits and _, not a digit first)`);
}
