import type { BuiltinFunction } from "./builtin-function.ts";
import { ociBuild } from "./oci-build.ts";
import { createOciPublish } from "./oci-publish.ts";
import type { RegistryAccess } from "./registry-access.ts";

/** Built-in functions by name, but for `script`, which the engine runs itself (ci-functions.md §2.7). */
export function createBuiltinFunctions(options: RegistryAccess): ReadonlyMap<string, BuiltinFunction> {
  return new Map([
    ["function/oci/build", ociBuild],
    ["function/oci/publish", createOciPublish(options)],
  ]);
}
