import { restoreFromDisk } from "../../cache/local-cache.ts";
import type { TaskContext } from "../task-context.ts";
import type { WorkspaceTasks } from "../workspace.ts";

type Task = WorkspaceTasks["restore-cache"];

export async function restoreCache(request: Task["request"], context: TaskContext): Promise<Task["result"]> {
  const { report, onFacts, signal } = context;
  report.info(
    "No URL provided, cache will not be downloaded from shared cache server. " +
      "Instead a local version of cache will be extracted.",
  );
  const location = { directory: request.archiveDirectory, key: request.key };
  const restored = await restoreFromDisk(location, request.projectDirectory, report, signal);
  if (restored.kind === "missing") {
    report.warning("Cache file does not exist");
    return { kind: "missing" };
  }
  onFacts({ bytes: restored.bytes, files: restored.files });
  return { kind: "restored" };
}
