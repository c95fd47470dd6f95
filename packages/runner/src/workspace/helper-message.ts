import { z } from "zod";
import type { TaskFacts } from "./workspace.ts";

const fields = z.record(z.string(), z.union([z.string(), z.number()]));

/** A fact that is missing here would be lost on its way. */
const facts = z.object({
  filename: z.string().exactOptional(),
  format: z.string().exactOptional(),
  files: z.number().exactOptional(),
  bytes: z.number().exactOptional(),
  retries: z.number().exactOptional(),
  networkBytes: z.number().exactOptional(),
} satisfies Record<keyof TaskFacts, unknown>);

/** What the helper program says, as the runner reads it. The program itself needs the type only. */
export const helperMessage = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("line"), level: z.enum(["info", "warning", "error"]), message: z.string(), fields }),
  z.object({ kind: z.literal("facts"), facts }),
  z.object({ kind: z.literal("result"), result: z.looseObject({ kind: z.string() }) }),
  /** A `WorkspaceError`. */
  z.object({ kind: z.literal("failed"), message: z.string() }),
  /** A fault of the helper program. */
  z.object({ kind: z.literal("broken"), message: z.string() }),
]);

export type HelperMessage = z.infer<typeof helperMessage>;
