import { readFile } from "node:fs/promises";
import type { TaskContext } from "../task-context.ts";
import type { JobEnvironmentRequest } from "../workspace.ts";

/**
 * What a process of this job would see: the environment of the place, the job's variables, and what the steps so far
 * handed on through the `GITLAB_ENV` file. Rule: runner-protocol.md §3.2.
 */
export async function jobEnvironment(
  { variables, handedOnFile }: JobEnvironmentRequest,
  place: Pick<TaskContext, "environment">,
): Promise<Readonly<Record<string, string | undefined>>> {
  const environment: Record<string, string | undefined> = { ...place.environment, ...variables };
  const handedOn = await readFile(handedOnFile, "utf8").catch(() => "");
  for (const line of handedOn.split("\n")) {
    const assignment = /^\s*([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(line);
    if (assignment?.[1] !== undefined) environment[assignment[1]] = assignment[2] ?? "";
  }
  return environment;
}
