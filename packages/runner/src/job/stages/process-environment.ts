import { readFile } from "node:fs/promises";
import path from "node:path";
import { gitlabEnvFileName } from "../../shell/posix/export-variables.ts";
import type { JobRun } from "../job-run.ts";

/**
 * What a process of this job would see: the runner's environment, the job's variables, and what the steps so far handed
 * on through the `GITLAB_ENV` file. Rule: runner-protocol.md §3.2.
 */
export async function jobEnvironment(run: JobRun): Promise<Readonly<Record<string, string | undefined>>> {
  const environment: Record<string, string | undefined> = { ...run.options.environment };
  for (const { key } of run.variables.entries) environment[key] = run.variables.processValueOf(key);
  const handedOn = await readFile(path.join(run.directories.temporary, gitlabEnvFileName), "utf8").catch(() => "");
  for (const line of handedOn.split("\n")) {
    const assignment = /^\s*([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(line);
    if (assignment?.[1] !== undefined) environment[assignment[1]] = assignment[2] ?? "";
  }
  return environment;
}
