import { readCompressionLevel } from "../../archive/compression-level.ts";
import { readArchiveFormat } from "../../archive/create-archive-stream.ts";
import { archiveFile, saveToDisk } from "../../cache/local-cache.ts";
import { CacheTransferError } from "../../cache/transfer/transfer-error.ts";
import type { TaskContext } from "../task-context.ts";
import type { WorkspaceTasks } from "../workspace.ts";
import { collectWishes } from "./collect-wishes.ts";
import { jobEnvironment } from "./job-environment.ts";

type Task = WorkspaceTasks["save-cache"];

export async function saveCache(request: Task["request"], context: TaskContext): Promise<Task["result"]> {
  const { report, onFacts, signal } = context;
  const { projectDirectory } = request;
  const environment = await jobEnvironment(request, context);
  const files = await collectWishes({ ...request, exclude: [], environment }, context);
  if (files.size === 0) {
    report.warning("No files to cache.");
    return { kind: "no-files" };
  }
  const location = { directory: request.archiveDirectory, key: request.key };
  const source = { directory: projectDirectory, files, level: readCompressionLevel(request.compressionLevel) };
  const saved = await saveToDisk(location, { source, format: readArchiveFormat(request.compressionFormat) }, signal);
  onFacts({ bytes: saved.bytes });
  if (saved.kind === "up-to-date") report.info("Archive is up to date!");
  else {
    const trouble = await upload(request.remote, { file: archiveFile(location), bytes: saved.bytes }, context);
    if (trouble !== undefined) return { kind: "unavailable", why: trouble };
  }
  return { kind: saved.kind };
}

/** @returns why the store could not be had, if so. */
async function upload(
  remote: Task["request"]["remote"],
  { file, bytes }: { readonly file: string; readonly bytes: number },
  { environment, report, onFacts, signal }: TaskContext,
): Promise<string | undefined> {
  if (remote === undefined) {
    report.info(
      "No URL provided, cache will not be uploaded to shared cache server. Cache will be stored only locally.",
    );
    return undefined;
  }
  const { request, timeoutMs, maxBytes, proxyVariables } = remote;
  if (maxBytes > 0 && bytes > maxBytes) {
    report.info(
      `Cache archive size (${bytes}) is too big (Limit is set to ${maxBytes}). Cache will be stored only locally.`,
    );
    return undefined;
  }
  // Loaded when there is something to send: most of it is the HTTP client.
  const { uploadArchive } = await import("../../cache/transfer/upload-archive.ts");
  const { createStoreConnections } = await import("../../cache/transfer/store-connections.ts");
  const connections = createStoreConnections({ ...environment, ...proxyVariables });
  try {
    await uploadArchive({
      ...{ request, file, connections, timeoutMs, report, signal },
      onProgress: onFacts,
    });
    return undefined;
  } catch (error) {
    if (error instanceof CacheTransferError) return error.message;
    throw error;
  } finally {
    await connections.destroy();
  }
}
