import { archiveFile, restoreFromDisk } from "../../cache/local-cache.ts";
import { CacheTransferError } from "../../cache/transfer/transfer-error.ts";
import type { TaskContext } from "../task-context.ts";
import type { WorkspaceTasks } from "../workspace.ts";

type Task = WorkspaceTasks["restore-cache"];

export async function restoreCache(request: Task["request"], context: TaskContext): Promise<Task["result"]> {
  const { report, onFacts, signal } = context;
  const location = { directory: request.archiveDirectory, key: request.key };
  if (request.remote === undefined) {
    report.info(
      "No URL provided, cache will not be downloaded from shared cache server. " +
        "Instead a local version of cache will be extracted.",
    );
  } else {
    const trouble = await download(request.remote, archiveFile(location), context);
    if (trouble !== undefined) return trouble;
  }
  const restored = await restoreFromDisk(location, request.projectDirectory, report, signal);
  if (restored.kind === "missing") {
    report.warning("Cache file does not exist");
    return { kind: "missing" };
  }
  onFacts({ bytes: restored.bytes, files: restored.files });
  return { kind: "restored" };
}

/** @returns what there is to say when the archive on the disk is not the store's. */
async function download(
  { request, timeoutMs, proxyVariables }: NonNullable<Task["request"]["remote"]>,
  file: string,
  { environment, report, onFacts, signal }: TaskContext,
): Promise<Task["result"] | undefined> {
  // Loaded when there is something to fetch: most of it is the HTTP client.
  const { downloadArchive } = await import("../../cache/transfer/download-archive.ts");
  const { createStoreConnections } = await import("../../cache/transfer/store-connections.ts");
  const connections = createStoreConnections({ ...environment, ...proxyVariables });
  try {
    const { kind } = await downloadArchive({
      ...{ request, file, connections, timeoutMs, report, signal },
      onProgress: onFacts,
    });
    if (kind !== "missing") return undefined;
    report.warning("file does not exist");
    return { kind: "missing" };
  } catch (error) {
    if (!(error instanceof CacheTransferError)) throw error;
    report.warning(error.message);
    return { kind: "unavailable", why: error.message };
  } finally {
    await connections.destroy();
  }
}
