import { mkdir, rm } from "node:fs/promises";
import type { WorkspaceTasks } from "../workspace.ts";

type Task = WorkspaceTasks["make-directory"];

export async function makeDirectory({ directory, isEmptied }: Task["request"]): Promise<Task["result"]> {
  if (isEmptied) await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  return { kind: "done" };
}
