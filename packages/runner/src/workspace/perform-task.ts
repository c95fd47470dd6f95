import { ArchiveError } from "../archive/archive-error.ts";
import { ArtifactError } from "../artifacts/artifact-error.ts";
import type { TaskContext } from "./task-context.ts";
import type { TaskName, WorkspaceTasks } from "./workspace.ts";
import { WorkspaceError } from "./workspace-error.ts";

type Perform<Name extends TaskName> = (
  request: WorkspaceTasks[Name]["request"],
  context: TaskContext,
) => Promise<WorkspaceTasks[Name]["result"]>;

/** Loaded when they are first wanted: a helper program is to be ready soon, and most jobs have neither cache nor artifacts. */
const tasks: { readonly [Name in TaskName]: () => Promise<Perform<Name>> } = {
  "restore-cache": async () => (await import("./tasks/restore-cache.ts")).restoreCache,
  "save-cache": async () => (await import("./tasks/save-cache.ts")).saveCache,
  "download-artifacts": async () => (await import("./tasks/download-artifacts.ts")).downloadArtifacts,
  "upload-artifacts": async () => (await import("./tasks/upload-artifacts.ts")).uploadArtifacts,
  "make-directory": async () => (await import("./tasks/make-directory.ts")).makeDirectory,
  "remove-paths": async () => (await import("./tasks/remove-paths.ts")).removePaths,
  "follow-lines": async () => (await import("./tasks/follow-lines.ts")).followLines,
  "take-text": async () => (await import("./tasks/take-text.ts")).takeText,
  "clean-up": async () => (await import("./tasks/clean-up.ts")).cleanUp,
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
    const task = await tasks[name]();
    return await task(request, context);
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
