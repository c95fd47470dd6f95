import { existsSync } from "node:fs";
import type { ChildEnvironment } from "./child-environment.ts";
import { CoordinatorError } from "./coordinator-error.ts";
import type { CoordinatorTelemetry, PipelineRequest } from "./coordinator-options.ts";
import { cancelRedundant } from "./lifecycle/auto-cancel.ts";
import type { CoordinatorState } from "./lifecycle/coordinator-state.ts";
import type { Lifecycle } from "./lifecycle/lifecycle.ts";
import type { PipelineRecord, ProjectRecord } from "./lifecycle/records.ts";
import { makePipelineRefs, startPlanned, usedStages } from "./lifecycle/start-pipeline.ts";
import { asVariable, type CreatedPlan, createPlan, recordSource } from "./pipeline/create-plan.ts";
import type { PlannedJob } from "./pipeline/plan/planned-job.ts";
import type { PipelinePlan, PlannedJobView } from "./plan-view.ts";
import type { Git } from "./repository/git.ts";
import { projectPathOf } from "./repository/project-path.ts";
import { findWorkTree, type WorkTree } from "./repository/work-tree.ts";
import { isSampled } from "./telemetry/trace-ids.ts";

interface StarterDeps {
  readonly state: CoordinatorState;
  readonly lifecycle: Lifecycle;
  readonly git: Git;
  readonly now: () => number;
  readonly environment: ChildEnvironment;
  readonly serverUrl: () => string;
  readonly storeDir: string;
  readonly telemetry: CoordinatorTelemetry;
}

interface Reserved {
  readonly plan: CreatedPlan;
  readonly project: ProjectRecord;
  readonly pipelineId: number;
}

/** Makes pipelines out of work trees. Plans of one project wait for each other, since they share its repository. */
export class PipelineStarter {
  readonly #deps: StarterDeps;
  readonly #reserved = new WeakMap<PipelinePlan, Reserved>();
  readonly #busy = new Map<number, Promise<unknown>>();

  constructor(deps: StarterDeps) {
    this.#deps = deps;
  }

  async plan(request: PipelineRequest): Promise<PipelinePlan> {
    const { git, environment, state, serverUrl, storeDir } = this.#deps;
    const workTree = await findWorkTree(git, request.repository);
    const project = this.projectOf(workTree);
    return await this.alone(project.id, async () => {
      const target = { projectId: project.id, projectPath: project.path, serverUrl: serverUrl(), storeDir };
      const source = await recordSource(git, workTree, target, request);
      const projectVariables = (request.projectVariables ?? []).map(asVariable);
      const pipelineVariables = (request.variables ?? []).map(asVariable);
      const wanted = { jobs: request.jobs, projectVariables, pipelineVariables, signal: request.signal };
      const plan = await createPlan(git, source, wanted, environment);
      const pipelineId = state.nextId("pipelines");
      await makePipelineRefs(git, plan, pipelineId);
      const view = viewPlan(plan);
      this.#reserved.set(view, { plan, project, pipelineId });
      return view;
    });
  }

  start(view: PipelinePlan): PipelineRecord {
    const reserved = this.#reserved.get(view);
    if (reserved === undefined) {
      throw new CoordinatorError("this plan was started before, or is not of this coordinator", {
        code: "not-allowed",
      });
    }
    this.#reserved.delete(view);
    const { project, plan, pipelineId } = reserved;
    const isTraced = isPipelineTraced(this.#deps.telemetry, project.path, pipelineId);
    const pipeline = startPlanned(this.#deps, project, plan, { id: pipelineId, isTraced });
    cancelRedundant(this.#deps, pipeline);
    return pipeline;
  }

  /**
   * The project of a work tree. Where the work tree of a known project is gone, the next one with the same project path
   * takes its place: a moved or newly made clone keeps the caches of the former.
   */
  projectOf({ topLevel, config }: WorkTree): ProjectRecord {
    const { state } = this.#deps;
    const wantedPath = projectPathOf(config.get("remote.origin.url"), topLevel);
    const known = [...state.projects.values()];
    const same = known.find((project) => project.topLevel === topLevel);
    if (same !== undefined) return same;
    for (let count = 1; ; count += 1) {
      const path = count === 1 ? wantedPath : `${wantedPath}-${count}`;
      const former = known.find((project) => project.path === path);
      if (former === undefined) return this.#newProject(topLevel, path);
      if (existsSync(former.topLevel)) continue;
      former.topLevel = topLevel;
      state.saveProject(former);
      return former;
    }
  }

  #newProject(topLevel: string, path: string): ProjectRecord {
    const { state } = this.#deps;
    const id = state.nextId("projects");
    const project = {
      id,
      topLevel,
      path,
      defaultBranch: "main",
      lastPipelineIid: 0,
      repositories: [],
      resourceGroupModes: {},
    };
    state.saveProject(project);
    return project;
  }

  /** Runs work on the repositories of a project while no other work does. */
  async alone<T>(projectId: number, work: () => Promise<T>): Promise<T> {
    const before = this.#busy.get(projectId) ?? Promise.resolve();
    const mine = before.then(work);
    this.#busy.set(
      projectId,
      mine.catch(() => undefined),
    );
    return await mine;
  }
}

function isPipelineTraced(telemetry: CoordinatorTelemetry, projectPath: string, rootPipelineId: number): boolean {
  const { form, samplingRatio = 1, projects } = telemetry;
  if (form === "none" || projects?.includes(projectPath) === false) return false;
  return isSampled(rootPipelineId, samplingRatio);
}

function viewPlan(plan: CreatedPlan): PipelinePlan {
  return {
    jobs: plan.planned.jobs.map(viewPlannedJob),
    pipelineStages: usedStages(plan),
    excludedJobs: plan.planned.excludedJobs,
    name: plan.planned.name,
    ref: plan.source.facts.ref,
    sha: plan.source.facts.sha,
    hasUncommittedChanges: plan.source.hasUncommittedChanges,
    warnings: plan.warnings,
  };
}

function viewPlannedJob(job: PlannedJob): PlannedJobView {
  return {
    name: job.name,
    baseName: job.baseName,
    pipelineStage: job.pipelineStage,
    when: job.when,
    allowFailure: job.allowFailure !== false,
    needs: job.needs?.map(({ name }) => name),
    tags: job.tags,
    image: job.image?.name,
    services: job.services.map(({ name }) => name),
    usesFunctions: job.run !== undefined,
  };
}
