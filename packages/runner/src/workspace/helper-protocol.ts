import type { ArtifactAccess } from "../coordinator-client/coordinator-client.ts";
import type { TaskName, WorkspaceTasks } from "./workspace.ts";

/**
 * What a runner and the helper program say to each other: JSON, one message a line.
 *
 * The runner writes requests to the helper's standard input, the next when the last was answered, and ends it when it
 * wants no more; a task under way is then aborted. The helper writes to its standard output: for each request any number
 * of `line` and `facts`, then one `result`, `failed` or `broken` (`helper-message.ts`). It ends after its input has.
 */

/** To be raised when a helper of the last version would not understand, or be understood. */
export const helperProtocol = 1;

/** The argument that makes the helper program serve tasks. */
export const serveTasksCommand = "tasks";

/** Holds secrets. */
export interface HelperRequest<Name extends TaskName = TaskName> {
  readonly protocol: number;
  readonly task: Name;
  readonly request: WorkspaceTasks[Name]["request"];
  /** Only for tasks that move artifacts. */
  readonly access?: ArtifactAccess | undefined;
}
