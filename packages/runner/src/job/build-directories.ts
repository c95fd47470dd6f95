import path from "node:path";
import type { RunnerConfig } from "../config/runner-config.ts";
import { isWithin, parseVolume } from "../executors/docker/volumes.ts";
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
  readonly place: BuildPlace;
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

/** Where the jobs of a runner work. */
export interface BuildPlace {
  readonly builds: string;
  readonly cache: string;
  /** Several jobs at once use the builds directory, and some of them work for the same project. */
  readonly isShared: boolean;
}

/** Defaults of `builds_dir` and `cache_dir`: runner-protocol.md §3.3, §4.1. */
export function buildPlaceOf(
  { executor, buildsDir, cacheDir, docker }: Pick<RunnerConfig, "executor" | "buildsDir" | "cacheDir" | "docker">,
  workingDirectory: string,
): BuildPlace {
  if (executor === "docker") {
    const builds = buildsDir ?? "/builds";
    return { builds, cache: cacheDir ?? "/cache", isShared: isOnHost(builds, docker?.volumes ?? []) };
  }
  return {
    builds: buildsDir ?? path.join(workingDirectory, "builds"),
    cache: cacheDir ?? path.join(workingDirectory, "cache"),
    isShared: true,
  };
}

/** @throws {JobFailure} when `GIT_CLONE_PATH` is not allowed or lies outside. */
export function buildDirectoriesOf(input: BuildDirectoriesInput): BuildDirectories {
  const { builds: root, cache: cacheDirectory, isShared } = input.place;
  const suffix = input.isEmptyStrategy ? "-empty" : "";
  const slug = `${projectSlug(input)}${suffix}`;
  const own = isShared
    ? path.join(root, input.shortToken, String(input.concurrentProjectId), slug)
    : path.join(root, slug);
  const project = input.clonePath === "" ? own : customProjectDirectory(input);
  return { root, project, temporary: `${project}.tmp`, cache: path.join(cacheDirectory, slug) };
}

/** Whether a directory of the containers is one of the engine's host. */
function isOnHost(directory: string, volumes: readonly string[]): boolean {
  return volumes.map(parseVolume).some(({ source, destination }) => {
    return source?.startsWith("/") === true && isWithin(directory, destination);
  });
}

/** `<namespace>/<project>` of the clone URL; `project-<id>` when that names no host. */
function projectSlug({ repositoryUrl, projectId }: BuildDirectoriesInput): string {
  const url = URL.parse(repositoryUrl);
  if (url === null || url.host === "") return `project-${projectId}`;
  const slug = path.posix.normalize(decodeURI(url.pathname).replace(/\.git$/, "")).replace(/^\/+|\/+$/g, "");
  return slug === "" || slug === "." || slug.includes("..") ? `project-${projectId}` : slug;
}

function customProjectDirectory({ clonePath, isClonePathAllowed, place }: BuildDirectoriesInput): string {
  const { builds: buildsDirectory } = place;
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
