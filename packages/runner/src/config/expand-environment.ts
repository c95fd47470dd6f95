import type { Environment } from "./process-environment.ts";

/**
 * Replaces `$NAME` and `${NAME}` by the environment's values, unknown names by nothing, and `$$` by a plain `$`.
 *
 * Rule: runner-protocol.md §6.1; `$$` is ours, since a value with a `$` could not be written otherwise.
 */
export function expandEnvironment(text: string, environment: Environment): string {
  return text.replace(/\$(?:(\$)|\{([^}]*)\}|([A-Za-z_][A-Za-z0-9_]*))/g, (_, dollar, braced, bare) => {
    return dollar ?? environment[braced ?? bare] ?? "";
  });
}
