import type { ExecutorSession } from "../executors/executor.ts";
import { createHelperWorkspace } from "../workspace/helper-workspace.ts";
import { createInProcessWorkspace } from "../workspace/in-process-workspace.ts";
import type { Workspace } from "../workspace/workspace.ts";
import { temporaryPrefix } from "./job-leftovers.ts";
import type { JobRun } from "./job-run.ts";

/** The file work of a job, where its executor's session has the files. */
export function openWorkspace({ options }: JobRun, session: ExecutorSession): Workspace {
  const { client, environment } = options;
  if (session.runHelper !== undefined) return createHelperWorkspace({ runHelper: session.runHelper, client });
  return createInProcessWorkspace({ client, environment, temporaryPrefix: temporaryPrefix("artifacts") });
}
