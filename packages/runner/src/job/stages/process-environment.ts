import path from "node:path";
import { gitlabEnvFileName } from "../../shell/temporary-files.ts";
import type { JobEnvironmentRequest } from "../../workspace/workspace.ts";
import type { JobRun } from "../job-run.ts";

/** What a process of this job sees beside the environment of its place. Rule: runner-protocol.md §3.2. */
export function jobEnvironmentOf({ variables, directories }: JobRun): JobEnvironmentRequest {
  return {
    variables: Object.fromEntries(variables.entries.map(({ key }) => [key, variables.processValueOf(key)])),
    handedOnFile: path.join(directories.temporary, gitlabEnvFileName),
  };
}
