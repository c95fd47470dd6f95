import type { CoordinatorClient } from "../coordinator-client/coordinator-client.ts";
import type { RunHelper } from "../executors/executor.ts";
import { type HelperProcess, startHelperProcess } from "./helper-process.ts";
import { helperProtocol } from "./helper-protocol.ts";
import type { TaskName, Workspace } from "./workspace.ts";

export interface HelperWorkspaceOptions {
  /** Runs the helper program beside the files; see `ExecutorSession.runHelper`. */
  readonly runHelper: RunHelper;
  /** Says how the helper reaches the coordinator. */
  readonly client: Pick<CoordinatorClient, "artifactAccess">;
  /** How long a helper that was told to end may take before it is killed, ms. Default: 5,000. */
  readonly graceMs?: number;
}

const artifactTasks: ReadonlySet<TaskName> = new Set<TaskName>(["download-artifacts", "upload-artifacts"]);

/**
 * For files that this process cannot reach: a helper program beside them does the tasks. It is started with the first
 * task and serves the later ones too; when it is gone by then (a container that was started again), another is started.
 */
export function createHelperWorkspace({ runHelper, client, graceMs = 5_000 }: HelperWorkspaceOptions): Workspace {
  let helper: HelperProcess | undefined;
  return {
    async perform(task, request, options) {
      options.signal.throwIfAborted();
      if (helper === undefined || helper.hasEnded) helper = startHelperProcess({ runHelper, graceMs });
      const access = artifactTasks.has(task) ? client.artifactAccess() : undefined;
      return await helper.ask({ protocol: helperProtocol, task, request, access }, options);
    },
    async [Symbol.asyncDispose]() {
      await helper?.[Symbol.asyncDispose]();
    },
  };
}
