import type { BuiltinFunction } from "./builtin-function.ts";

/** Built-in functions by name, but for `script`, which the engine runs itself (ci-functions.md §2.7). */
export const builtinFunctions: ReadonlyMap<string, BuiltinFunction> = new Map();
