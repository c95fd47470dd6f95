import { existsSync } from "node:fs";
import type { Log } from "@jobscope/labkit";
import type { KeepLimits } from "../coordinator-options.ts";
import type { Git } from "../repository/git.ts";
import { pruneObjects } from "../repository/prune-objects.ts";
import type { JobFiles } from "../store/job-files.ts";
import type { CoordinatorState } from "./coordinator-state.ts";
import type { PipelineRecord } from "./records.ts";

/** What is cleaned up, and with what. */
export interface CleanUpDeps {
  readonly state: CoordinatorState;
  readonly files: JobFiles;
  readonly git: Git;
  readonly log: Log;
  readonly now: () => number;
  readonly keep: KeepLimits;
  /** Runs work on a project's repositories while no pipeline of it is being planned. */
  readonly alone: (projectId: number, work: () => Promise<void>) => Promise<void>;
}

const defaultKeep = { pipelines: 200, days: 30 };

/** Taking a snapshot is a matter of seconds; its objects have no ref before it is done. */
const youngObjectMs = 60 * 60 * 1000;

const dayMs = 24 * 60 * 60 * 1000;

/** Removes artifacts past their `expire_in`, and pipelines beyond what shall be kept. Never throws; what fails is logged. */
export async function cleanUp(deps: CleanUpDeps): Promise<void> {
  try {
    await removeExpiredArtifacts(deps);
    const families = familiesToRemove(deps);
    for (const family of families) await removeFamily(deps, family);
    const folders = new Map(families.flat().map((pipeline) => [pipeline.repositoryFolder, pipeline.projectId]));
    for (const [folder, projectId] of folders) await prune(deps, projectId, folder);
  } catch (err) {
    deps.log.warn("old pipelines could not be cleaned up", { err });
  }
}

async function removeExpiredArtifacts({ state, files, now }: CleanUpDeps): Promise<void> {
  for (const job of [...state.jobs.values()]) {
    const expired = job.artifacts.filter(({ expiresAtMs }) => expiresAtMs !== undefined && expiresAtMs <= now());
    if (expired.length === 0) continue;
    job.artifacts = job.artifacts.filter((artifact) => !expired.includes(artifact));
    state.saveJob(job);
    await state.stored();
    for (const { storedAs } of expired) await files.removeArtifact(job.id, storedAs);
  }
}

/** Pipelines go with the child pipelines below them, all of which have ended. */
function familiesToRemove({ state, now, keep }: CleanUpDeps): PipelineRecord[][] {
  const limits = { ...defaultKeep, ...keep };
  const families = Map.groupBy(state.pipelines.values(), ({ rootPipelineId }) => rootPipelineId);
  const byProject = Map.groupBy(families.values(), ([first]) => first?.projectId);
  const newestIds = [[...state.pipelines.keys()].at(-1), [...state.jobs.values()].at(-1)?.pipelineId];
  // The largest ids stay, or a restart would give them away again, and with them the rights of old job tokens.
  const isNewest = (family: PipelineRecord[]) => family.some(({ id }) => newestIds.includes(id));
  const isOld = (family: PipelineRecord[]) =>
    family.every(({ finishedAtMs }) => now() - (finishedAtMs ?? now()) > limits.days * dayMs);
  const hasEnded = (family: PipelineRecord[]) => family.every(({ finishedAtMs }) => finishedAtMs !== undefined);
  return [...byProject.values()].flatMap((ofProject) => {
    const beyond = Math.max(0, ofProject.length - Math.max(1, limits.pipelines));
    return ofProject
      .slice(0, -1)
      .filter((family, index) => (index < beyond || isOld(family)) && hasEnded(family) && !isNewest(family));
  });
}

async function removeFamily({ state, files, git }: CleanUpDeps, family: readonly PipelineRecord[]): Promise<void> {
  for (const pipeline of family) {
    const jobIds = state.jobsOf(pipeline.id).map(({ id }) => id);
    state.removePipeline(pipeline.id);
    await state.stored();
    for (const jobId of jobIds) await files.removeAll(jobId);
    await removeRefs(state, git, pipeline);
  }
}

/** What the removed pipelines alone needed. A repository that git cannot walk through keeps its objects. */
async function prune({ git, log, now, alone }: CleanUpDeps, projectId: number, folder: string): Promise<void> {
  if (!existsSync(folder)) return;
  await alone(projectId, () => pruneObjects(git, folder, now() - youngObjectMs)).catch((err: unknown) =>
    log.info("objects of removed pipelines stay", { folder, err }),
  );
}

/** Its own ref, and the one that holds its commit unless another pipeline is of that too. */
async function removeRefs(state: CoordinatorState, git: Git, pipeline: PipelineRecord): Promise<void> {
  const { sha } = pipeline.facts;
  const isShared = [...state.pipelines.values()].some(({ facts }) => facts.sha === sha);
  const refs = [`refs/pipelines/${pipeline.id}`, ...(isShared ? [] : [`refs/jobscope/${sha}`])];
  const input = refs.map((ref) => `delete ${ref}\n`).join("");
  // The folder of a repository may be gone.
  await git.maybe(["-C", pipeline.repositoryFolder, "update-ref", "--stdin"], { input });
}
