import path from "node:path";
import type { CollectedFiles } from "../../archive/collect-files.ts";
import { readCompressionLevel } from "../../archive/compression-level.ts";
import { expandShellText } from "../../archive/expand-shell-text.ts";
import { artifactContent } from "../../artifacts/artifact-content.ts";
import { ArtifactError } from "../../artifacts/artifact-error.ts";
import { artifactFilename, isKnownFormat } from "../../artifacts/artifact-name.ts";
import { writeProvenance } from "../../artifacts/provenance.ts";
import { uploadArtifactFile } from "../../artifacts/upload-artifact-file.ts";
import type { TaskContext } from "../task-context.ts";
import type { WorkspaceTasks } from "../workspace.ts";
import { collectWishes } from "./collect-wishes.ts";
import { jobEnvironment } from "./job-environment.ts";

type Task = WorkspaceTasks["upload-artifacts"];

export async function uploadArtifacts(request: Task["request"], context: TaskContext): Promise<Task["result"]> {
  const { report, onFacts, signal } = context;
  const { set } = request;
  const environment = await jobEnvironment(request, context);
  const name = expandShellText(set.name, (variable) => environment[variable]);
  const filename = artifactFilename(name, set.format);
  onFacts({ filename });
  const { projectDirectory } = request;
  const files = await collectWishes({ ...set, projectDirectory, environment }, context);
  if (files.size === 0) {
    report.error("No files to upload");
    return { kind: "no-files" };
  }
  await upload(request, { filename, files: await withProvenance(request, { filename, files }, signal) }, context);
  return { kind: "uploaded" };
}

/** Only archives can hold a file of ours. */
async function withProvenance(
  { set, provenance, projectDirectory }: Task["request"],
  { filename, files }: { readonly filename: string; readonly files: CollectedFiles },
  signal: AbortSignal,
): Promise<CollectedFiles> {
  if (provenance === undefined || (set.format !== "zip" && set.format !== "")) return files;
  const name = path.posix.basename(filename, ".zip");
  return new Map([...files, await writeProvenance({ directory: projectDirectory, name, files, provenance, signal })]);
}

async function upload(
  { job, set, projectDirectory, compressionLevel }: Task["request"],
  { filename, files }: { readonly filename: string; readonly files: CollectedFiles },
  { client, report, onFacts, signal }: TaskContext,
): Promise<void> {
  if (!isKnownFormat(set.format)) throw new ArtifactError(`artifact format ${set.format} is not supported`);
  const source = { directory: projectDirectory, files, level: readCompressionLevel(compressionLevel) };
  let bytes = 0;
  async function* counted() {
    bytes = 0;
    for await (const chunk of await artifactContent(set.format, source)) {
      bytes += chunk.length;
      yield chunk;
    }
  }
  // What does not fit its format is known before anything is sent.
  if (set.format === "raw") await artifactContent(set.format, source);
  const { type, format, expireIn } = set;
  const { retries } = await uploadArtifactFile({
    client,
    upload: { job, filename, open: counted, type, format, expireIn },
    report,
    signal,
  });
  onFacts({ bytes, retries });
}
