import { collectFiles } from "../../archive/collect-files.ts";
import { deflateLevelOf } from "../../archive/compression-level.ts";
import { expandShellText } from "../../archive/expand-shell-text.ts";
import { saveToDisk } from "../../cache/local-cache.ts";
import type { TaskContext } from "../task-context.ts";
import type { WorkspaceTasks } from "../workspace.ts";
import { jobEnvironment } from "./job-environment.ts";

type Task = WorkspaceTasks["save-cache"];

export async function saveCache(request: Task["request"], context: TaskContext): Promise<Task["result"]> {
  const { report, onFacts, signal } = context;
  const { projectDirectory, includesUntracked } = request;
  const environment = await jobEnvironment(request, context);
  const files = await collectFiles({
    directory: projectDirectory,
    paths: request.paths.map((wish) => expandShellText(wish, (name) => environment[name])),
    exclude: [],
    includesUntracked,
    environment,
    report,
    signal,
  });
  onFacts({ files: files.size });
  if (files.size === 0) {
    report.warning("No files to cache.");
    return { kind: "no-files" };
  }
  const location = { directory: request.archiveDirectory, key: request.key };
  const deflateLevel = deflateLevelOf(request.compressionLevel);
  const saved = await saveToDisk(location, { projectDirectory, files, deflateLevel }, signal);
  onFacts({ bytes: saved.bytes });
  report.info(
    saved.kind === "up-to-date"
      ? "Archive is up to date!"
      : "No URL provided, cache will not be uploaded to shared cache server. Cache will be stored only locally.",
  );
  return { kind: saved.kind };
}
