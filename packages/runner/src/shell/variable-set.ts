import path from "node:path";
import type { JobVariable } from "../coordinator-client/job.ts";
import { expandVariables } from "./expand-variables.ts";

/**
 * The variables of one job in their final order and form: expanded once, the last entry of a key winning.
 *
 * Immutable; `with` gives a changed copy. Rule: runner-protocol.md §3.2.
 */
export interface VariableSet {
  /** One entry per key, in the order of their last appearance. Values of file variables are the files' contents. */
  readonly entries: readonly JobVariable[];
  /** The value, also of a file variable; empty when there is none. */
  valueOf(key: string): string;
  /** What a process sees: like `valueOf`, but a file variable's path. `undefined` when there is none. */
  processValueOf(key: string): string | undefined;
  has(key: string): boolean;
  /** Where a file variable's content belongs. */
  filePathOf(key: string): string;
  /** Replaces the references in a text by what a process would see. */
  expand(text: string): string;
  /** A copy in which these take the place of entries of the same key. Their values are not expanded. */
  with(variables: readonly JobVariable[]): VariableSet;
}

/**
 * @param variables in ascending precedence, as the groups of runner-protocol.md §3.2 give them, not expanded.
 * @param temporaryDirectory directory of the file variables, absolute (`<project dir>.tmp`).
 */
export function createVariableSet(variables: readonly JobVariable[], temporaryDirectory: string): VariableSet {
  const unexpanded = setOf(variables, temporaryDirectory);
  const expanded = unexpanded.entries.map((variable) =>
    variable.isRaw ? variable : { ...variable, value: unexpanded.expand(variable.value) },
  );
  return setOf(expanded, temporaryDirectory);
}

/** A variable as the runner makes one: visible, neither file nor secret, taken literally unless `isRaw` is false. */
export function plainVariable(key: string, value: string): JobVariable {
  return { key, value, isPublic: true, isFile: false, isMasked: false, isRaw: true };
}

function setOf(variables: readonly JobVariable[], temporaryDirectory: string): VariableSet {
  const byKey = new Map<string, JobVariable>();
  for (const variable of variables) {
    byKey.delete(variable.key);
    byKey.set(variable.key, variable);
  }
  const entries = [...byKey.values()];
  const filePathOf = (key: string) => path.posix.join(temporaryDirectory, key);
  const processValueOf = (key: string) => {
    const variable = byKey.get(key);
    return variable?.isFile ? filePathOf(key) : variable?.value;
  };
  return {
    entries,
    filePathOf,
    processValueOf,
    valueOf: (key) => byKey.get(key)?.value ?? "",
    has: (key) => byKey.has(key),
    expand: (text) => expandVariables(text, processValueOf),
    with: (more) => setOf([...entries, ...more], temporaryDirectory),
  };
}
