import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { ArchiveError } from "../../archive/archive-error.ts";
import { extractZip } from "../../archive/extract-zip.ts";
import { detectArchiveFormat, downloadArtifactFile } from "../../artifacts/download-artifact-file.ts";
import type { TaskContext } from "../task-context.ts";
import type { WorkspaceTasks } from "../workspace.ts";

type Task = WorkspaceTasks["download-artifacts"];

export async function downloadArtifacts(request: Task["request"], context: TaskContext): Promise<Task["result"]> {
  const directory = await mkdtemp(path.join(tmpdir(), context.temporaryPrefix));
  try {
    await downloadInto(request, path.join(directory, "artifacts"), context);
    return { kind: "extracted" };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function downloadInto(
  { job, allowsDirectDownload, projectDirectory }: Task["request"],
  file: string,
  { client, report, onFacts, signal }: TaskContext,
): Promise<void> {
  const { bytes, retries } = await downloadArtifactFile({ client, job, file, allowsDirectDownload, report, signal });
  const format = await detectArchiveFormat(file);
  onFacts({ bytes, retries, format });
  if (format !== "zip") throw new ArchiveError(`no extractor for artifacts of format ${format}`);
  const { files } = await extractZip({ file, directory: projectDirectory, report, signal });
  onFacts({ files });
}
