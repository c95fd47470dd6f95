import { builtinFunctions } from "../builtin/builtins.ts";
import { FunctionError } from "../function-error.ts";
import type { FunctionSources, FunctionSourcesOptions } from "./function-sources.ts";
import { DefinitionLoader } from "./path-source.ts";

/** Finds, fetches and reads functions of all kinds, with one cache (ci-functions.md §2). */
export function createFunctionSources(_options: FunctionSourcesOptions): FunctionSources {
  const definitions = new DefinitionLoader();
  return {
    async load(reference, context) {
      switch (reference.kind) {
        case "path":
          return {
            kind: "files",
            digest: undefined,
            ...(await definitions.load(context.callerDir, reference, reference.written)),
          };
        case "builtin": {
          const builtin = builtinFunctions.get(reference.name);
          if (builtin !== undefined) return { kind: "builtin", builtin };
          const known = ["script", ...builtinFunctions.keys()].join(", ");
          throw new FunctionError(`built-in function "${reference.name}" was not found (there are ${known})`, {
            code: "function_not_found",
          });
        }
        default:
          throw new Error();
      }
    },
  };
}
