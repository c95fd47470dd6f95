import { rm } from "node:fs/promises";
import path from "node:path";
import { toPatternInside } from "../../archive/pattern.ts";
import type { WorkspaceTasks } from "../workspace.ts";

type Task = WorkspaceTasks["remove-paths"];

export async function removePaths({ directory, paths }: Task["request"]): Promise<Task["result"]> {
  for (const wish of paths) {
    const relative = toPatternInside(directory, wish);
    if (relative === undefined || relative === ".") continue;
    await rm(path.join(directory, relative), { recursive: true, force: true });
  }
  return { kind: "done" };
}
