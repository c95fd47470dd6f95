import { ArchiveError } from "../archive/archive-error.ts";
import { ArtifactError } from "../artifacts/artifact-error.ts";
import type { TaskContext } from "./task-context.ts";
import { cleanUp } from "./tasks/clean-up.ts";
import { downloadArtifacts } from "./tasks/download-artifacts.ts";
import { makeDirectory } from "./tasks/make-directory.ts";
import { removePaths } from "./tasks/remove-paths.ts";
import { restoreCache } from "./tasks/restore-cache.ts";
import { saveCache } from "./tasks/save-cache.ts";
import { takeText } from "./tasks/take-text.ts";
import { uploadArtifacts } from "./tasks/upload-artifacts.ts";
import type { TaskName, WorkspaceTasks } from "./workspace.ts";
import { WorkspaceError } from "./workspace-error.ts";

type Perform<Name extends TaskName> = (
  request: WorkspaceTasks[Name]["request"],
  context: TaskContext,
) => Promise<WorkspaceTasks[Name]["result"]>;

const tasks: { readonly [Name in TaskName]: Perform<Name> } = {
  "restore-cache": restoreCache,
  "save-cache": saveCache,
  "download-artifacts": downloadArtifacts,
  "upload-artifacts": uploadArtifacts,
  "make-directory": makeDirectory,
  "remove-paths": removePaths,
  "take-text": takeText,
  "clean-up": cleanUp,
};

export function isTaskName(name: string): name is TaskName {
  return Object.hasOwn(tasks, name);
}

/** Does one task in this process; see `Workspace.perform` for what is thrown. */
export async function performTask<Name extends TaskName>(
  name: Name,
  request: WorkspaceTasks[Name]["request"],
  context: TaskContext,
): Promise<WorkspaceTasks[Name]["result"]> {
  const { signal } = context;
  signal.throwIfAborted();
  try {
    return await tasks[name](request, context);
  } catch (error) {
    signal.throwIfAborted();
    if (isOfTheWork(error)) throw new WorkspaceError(error.message, { cause: error });
    throw error;
  }
}

/** A damaged archive, a refusal, a full disk: not a fault of this program. */
function isOfTheWork(error: unknown): error is Error {
  return error instanceof ArchiveError || error instanceof ArtifactError || isSystemError(error);
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && "syscall" in error;
}
