import { z } from "zod";
import type { ArtifactAccess } from "../coordinator-client/coordinator-client.ts";
import type { TaskName, WorkspaceTasks } from "./workspace.ts";

/**
 * What a runner and the helper program say to each other: JSON, one message a line.
 *
 * The runner writes requests to the helper's standard input, the next when the last was answered, and ends it when it
 * wants no more; a task under way is then aborted. The helper writes to its standard output: for each request any number
 * of `line` and `facts`, then one `result`, `failed` or `broken`. It ends after its input has.
 */

/** To be raised when a helper of the last version would not understand, or be understood. */
export const helperProtocol = 1;

/** The argument that makes the helper program serve tasks. */
export const serveTasksCommand = "tasks";

/** The argument that makes it wait for a port: `await-port <ms> <host>:<port>…`; exit code 1 when none answers. */
export const awaitPortCommand = "await-port";

/** Holds secrets. */
export interface HelperRequest<Name extends TaskName = TaskName> {
  readonly protocol: number;
  readonly task: Name;
  readonly request: WorkspaceTasks[Name]["request"];
  /** Only for tasks that move artifacts. */
  readonly access?: ArtifactAccess | undefined;
}

const fields = z.record(z.string(), z.union([z.string(), z.number()]));

export const helperMessage = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("line"), level: z.enum(["info", "warning", "error"]), message: z.string(), fields }),
  z.object({
    kind: z.literal("facts"),
    facts: z.object({
      filename: z.string().exactOptional(),
      format: z.string().exactOptional(),
      files: z.number().exactOptional(),
      bytes: z.number().exactOptional(),
      retries: z.number().exactOptional(),
    }),
  }),
  z.object({ kind: z.literal("result"), result: z.object({ kind: z.string(), text: z.string().optional() }) }),
  /** A `WorkspaceError`. */
  z.object({ kind: z.literal("failed"), message: z.string() }),
  /** A fault of the helper program. */
  z.object({ kind: z.literal("broken"), message: z.string() }),
]);

export type HelperMessage = z.infer<typeof helperMessage>;
