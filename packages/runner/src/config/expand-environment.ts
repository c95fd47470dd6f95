import type { Environment } from "./process-environment.ts";

/** Replaces `$NAME` and `${NAME}` by the environment's values, unknown names by nothing (runner-protocol.md §6.1). */
export function expandEnvironment(text: string, environment: Environment): string {
  return text.replace(/\$(?:\{([^}]*)\}|([A-Za-z_][A-Za-z0-9_]*))/g, (_, braced, bare) => {
    return environment[braced ?? bare] ?? "";
  });
}
