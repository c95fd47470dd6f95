import { mkdir, open, watch } from "node:fs/promises";
import path from "node:path";
import type { TaskContext } from "../task-context.ts";
import type { WorkspaceTasks } from "../workspace.ts";

type Task = WorkspaceTasks["follow-lines"];

/** Ends only by its signal, or when the file cannot be watched. */
export async function followLines({ file }: Task["request"], { report, signal }: TaskContext): Promise<Task["result"]> {
  await mkdir(path.dirname(file), { recursive: true });
  // Whoever runs the script appends to it.
  await using handle = await open(file, "a+", 0o666);
  let offset = 0;
  let rest = "";

  async function tellNew(): Promise<void> {
    for (;;) {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(4096), 0, 4096, offset);
      if (bytesRead === 0) return;
      offset += bytesRead;
      const lines = (rest + buffer.toString("latin1", 0, bytesRead)).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) report.info(line);
    }
  }

  const changes = watch(file, { signal });
  await tellNew();
  for await (const _ of changes) await tellNew();
  return { kind: "done" };
}
