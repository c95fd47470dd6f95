import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { detectArchiveFormat, extractArchive } from "../../archive/extract-archive.ts";
import { downloadArtifactFile } from "../../artifacts/download-artifact-file.ts";
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
  onFacts({ bytes, retries, format: await detectArchiveFormat(file) });
  const { files } = await extractArchive({ file, directory: projectDirectory, report, signal });
  onFacts({ files });
}
