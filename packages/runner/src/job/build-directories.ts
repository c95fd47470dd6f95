import path from "node:path";
import type { RunnerConfig } from "../config/runner-config.ts";
import { JobFailure } from "./job-failure.ts";

/** Where a job works. All absolute. Rule: runner-protocol.md §3.3. */
export interface BuildDirectories {
  /** `CI_BUILDS_DIR` */
  readonly root: string;
  /** `CI_PROJECT_DIR` */
  readonly project: string;
  /** `<project>.tmp` */
  readonly temporary: string;
  /** Cache root of the project: one directory per key below it. */
  readonly cache: string;
}

export interface BuildDirectoriesInput {
  readonly buildsDirectory: string;
  readonly cacheDirectory: string;
  readonly shortToken: string;
  readonly concurrentProjectId: number;
  readonly repositoryUrl: string;
  readonly projectId: number;
  /** True for the git strategy `empty`, which must not remove what `fetch` would use again. */
  readonly isEmptyStrategy: boolean;
  /** `GIT_CLONE_PATH`, expanded; empty when not set. */
  readonly clonePath: string;
  readonly isClonePathAllowed: boolean;
}

/** Where the builds of a runner go. Default of `builds_dir`: runner-protocol.md §3.3. */
export function buildsDirectoryOf({ buildsDir }: Pick<RunnerConfig, "buildsDir">, workingDirectory: string): string {
  return buildsDir ?? path.join(workingDirectory, "builds");
}

/** @throws {JobFailure} when `GIT_CLONE_PATH` is not allowed or lies outside. */
export function buildDirectoriesOf(input: BuildDirectoriesInput): BuildDirectories {
  const { buildsDirectory: root, cacheDirectory } = input;
  const suffix = input.isEmptyStrategy ? "-empty" : "";
  const slug = `${projectSlug(input)}${suffix}`;
  const shared = path.join(root, input.shortToken, String(input.concurrentProjectId), slug);
  const project = input.clonePath === "" ? shared : customProjectDirectory(input);
  return { root, project, temporary: `${project}.tmp`, cache: path.join(cacheDirectory, slug) };
}

/** `<namespace>/<project>` of the clone URL; `project-<id>` when that names no host. */
function projectSlug({ repositoryUrl, projectId }: BuildDirectoriesInput): string {
  const url = URL.parse(repositoryUrl);
  if (url === null || url.host === "") return `project-${projectId}`;
  const slug = path.posix.normalize(decodeURI(url.pathname).replace(/\.git$/, "")).replace(/^\/+|\/+$/g, "");
  return slug === "" || slug === "." || slug.includes("..") ? `project-${projectId}` : slug;
}

function customProjectDirectory({ clonePath, isClonePathAllowed, buildsDirectory }: BuildDirectoriesInput): string {
  if (!isClonePathAllowed) {
    throw new JobFailure("setting GIT_CLONE_PATH is not allowed, enable `custom_build_dir` feature", {
      reason: "runner_configuration_error",
    });
  }
  const relative = path.relative(buildsDirectory, clonePath);
  if (!path.isAbsolute(clonePath) || relative.startsWith("..")) {
    throw new JobFailure(`the GIT_CLONE_PATH="${clonePath}" has to be within "${buildsDirectory}"`, {
      reason: "runner_configuration_error",
    });
  }
  return path.normalize(clonePath);
}
