import type { CreatedPlan } from "../pipeline/create-plan.ts";
import type { Git } from "../repository/git.ts";
import type { CoordinatorState } from "./coordinator-state.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { PipelineRecord, ProjectRecord } from "./records.ts";

/** Where a pipeline stands among others. */
export interface PipelinePlace {
  readonly id: number;
  /** A child pipeline is traced if the pipeline at the top is. */
  readonly isTraced: boolean;
  /** For a child pipeline: the pipeline at the top, and the job that triggered this one. */
  readonly parent?: { readonly root: PipelineRecord; readonly jobId: number };
}

/** Turns a plan into a stored, running pipeline. The refs that jobs fetch must have been made. */
export function startPlanned(
  deps: { state: CoordinatorState; lifecycle: Lifecycle; now: () => number },
  project: ProjectRecord,
  plan: CreatedPlan,
  { id, isTraced, parent }: PipelinePlace,
): PipelineRecord {
  const { facts, folder, repositories, rewrites } = plan.source;
  project.lastPipelineIid += 1;
  project.defaultBranch = facts.defaultBranch;
  project.repositories = repositories;
  deps.state.saveProject(project);
  const pipeline: PipelineRecord = {
    id,
    iid: project.lastPipelineIid,
    projectId: project.id,
    rootPipelineId: parent?.root.id ?? id,
    parentJobId: parent?.jobId,
    name: plan.planned.name,
    facts,
    pipelineStages: usedStages(plan),
    repositoryFolder: folder,
    rewrites,
    projectVariables: plan.projectVariables,
    pipelineVariables: plan.pipelineVariables,
    autoCancel: plan.planned.autoCancel.on_new_commit,
    isCanceledByFailure: plan.planned.autoCancel.on_job_failure === "all",
    isTraced,
    createdAtMs: deps.now(),
    state: "created",
    startedAtMs: undefined,
    finishedAtMs: undefined,
  };
  deps.lifecycle.start(pipeline, plan.planned.jobs);
  return pipeline;
}

/** Stages that have jobs, as GitLab shows them. */
export function usedStages({ config, planned }: CreatedPlan): string[] {
  return config.pipelineStages.filter((stage) => planned.jobs.some((job) => job.pipelineStage === stage));
}

/** The refs that the payload's refspecs name: the pipeline's own, and the branch or tag as if it had been pushed. */
export async function makePipelineRefs(git: Git, plan: CreatedPlan, pipelineId: number): Promise<void> {
  const { facts, folder } = plan.source;
  const ref = facts.isTag ? `refs/tags/${facts.ref}` : `refs/heads/${facts.ref}`;
  const updates = [`update refs/pipelines/${pipelineId} ${facts.sha}\n`, `update ${ref} ${facts.sha}\n`];
  await git.text(["-C", folder, "update-ref", "--stdin"], { input: updates.join("") });
}
