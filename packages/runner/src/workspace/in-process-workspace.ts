import { performTask } from "./perform-task.ts";
import type { TaskPlace } from "./task-context.ts";
import type { Workspace } from "./workspace.ts";

/** For files on this machine's disk: tasks run in this process. */
export function createInProcessWorkspace(place: TaskPlace): Workspace {
  return {
    perform: (name, request, { report, onFacts = () => {}, signal }) =>
      performTask(name, request, { ...place, report, onFacts, signal }),
    [Symbol.asyncDispose]: async () => {},
  };
}
