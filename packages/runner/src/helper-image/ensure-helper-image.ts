import type { Log } from "@jobscope/labkit";
import type Dockerode from "dockerode";
import { engineArchitecture, inspectImage } from "./engine-image.ts";
import { extendBase } from "./extend-base.ts";
import { type HelperImage, helperImageLabels, helperImageName } from "./helper-image.ts";
import { HelperImageError } from "./helper-image-error.ts";
import { hostRoot } from "./host-root.ts";
import { digestOf, type ImageEntry } from "./image-entry.ts";
import { importRoot } from "./import-root.ts";
import { programEntries } from "./program-entries.ts";

export interface EnsureHelperImageOptions {
  readonly docker: Dockerode;
  /** An image to start from, with a shell, and with git or a package manager. Default: the programs of this machine. */
  readonly base?: string | undefined;
  /** With its tag. Default: `helperImageName`, where runners of this version look for it. */
  readonly name?: string | undefined;
  /** Called when it is going to be made. */
  readonly onMake?: (() => void) | undefined;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Go's names of architectures by Node's, where they differ. */
const goArchitectures: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386", ppc64: "ppc64le" };

/**
 * Makes the helper image of this version of the runner, unless the engine has it and all that would go into it is as it
 * was. An image that was made from a base is kept as long as our program is the same, also when no base is given.
 *
 * @throws {HelperImageError} when it cannot be made. @throws the signal's reason when it was aborted.
 */
export async function ensureHelperImage(
  options: EnsureHelperImageOptions,
): Promise<HelperImage & { readonly isNew: boolean }> {
  const { docker, base, log, signal } = options;
  const architecture = await engineArchitecture(docker);
  const name = options.name ?? helperImageName(architecture);
  const isOwnPlatform =
    process.platform === "linux" && (goArchitectures[process.arch] ?? process.arch) === architecture;
  const program = await programEntries({ isOwnPlatform });
  const programDigest = await digestOf(program);
  const existing = await inspectImage(docker, name, signal);
  const labels = existing?.Config.Labels ?? {};
  const existingBase = labels[helperImageLabels.base];
  const isFromBase = existingBase !== undefined && (base ?? existingBase) === existingBase;
  if (existing !== undefined && isFromBase && labels[helperImageLabels.program] === programDigest) {
    return { name, id: existing.Id, sizeBytes: existing.Size, isNew: false };
  }
  const root = base === undefined ? await rootOf(program, { isOwnPlatform, architecture }) : program;
  const content = await digestOf(root);
  if (existing !== undefined && base === undefined && labels[helperImageLabels.content] === content) {
    return { name, id: existing.Id, sizeBytes: existing.Size, isNew: false };
  }
  options.onMake?.();
  log.info("making the helper image", { image: name, base: base ?? "this machine" });
  const imageLabels = {
    [helperImageLabels.content]: content,
    [helperImageLabels.program]: programDigest,
    ...(base === undefined ? {} : { [helperImageLabels.base]: base }),
  };
  const request = { name, entries: root, labels: imageLabels, log, signal };
  if (base === undefined) await importRoot(docker, request);
  else await extendBase(docker, { ...request, base });
  const made = await inspectImage(docker, name, signal);
  if (made === undefined) throw new HelperImageError(`the engine made no image ${name}`);
  await removeOldOnes(docker);
  return { name, id: made.Id, sizeBytes: made.Size, isNew: true };
}

async function rootOf(
  program: readonly ImageEntry[],
  { isOwnPlatform, architecture }: { readonly isOwnPlatform: boolean; readonly architecture: string },
): Promise<ImageEntry[]> {
  if (isOwnPlatform) return hostRoot(program);
  throw new HelperImageError(
    `programs of this machine (${process.platform} ${process.arch}) do not run in the engine's containers ` +
      `(linux ${architecture}): name an image with git, a shell and Node.js 24 to start from with --base`,
  );
}

/** Images that had a name before. One that a container still uses stays, until the next time. */
async function removeOldOnes(docker: Dockerode): Promise<void> {
  const filters = { dangling: ["true"], label: [helperImageLabels.content] };
  for (const { Id: id } of await docker.listImages({ filters })) {
    await docker
      .getImage(id)
      .remove()
      .catch(() => undefined);
  }
}
