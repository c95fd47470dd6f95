import { randomInt } from "node:crypto";
import type { StateStore } from "../store/state-store.ts";
import type { JobRecord, PipelineRecord, ProjectRecord, RunnerRecord } from "./records.ts";

/** All records in memory; what changes in one turn of the event loop is stored as one (see `StateStore`). */
export class CoordinatorState {
  readonly projects: Map<number, ProjectRecord>;
  readonly runners: Map<number, RunnerRecord>;
  readonly pipelines: Map<number, PipelineRecord>;
  readonly jobs: Map<number, JobRecord>;
  readonly #jobsByPipeline = new Map<number, JobRecord[]>();
  readonly #runnerByTokenHash = new Map<string, RunnerRecord>();
  readonly #lastIds = new Map<string, number>();
  readonly #store: StateStore;

  constructor(store: StateStore) {
    this.#store = store;
    this.projects = byId(store.all("project").map((project) => ({ ...laterFields.project, ...project })));
    this.runners = byId(store.all("runner").map((runner) => ({ ...laterFields.runner, ...runner })));
    this.pipelines = byId(store.all("pipeline").map((pipeline) => ({ ...laterFields.pipeline, ...pipeline })));
    this.jobs = byId(
      store.all("job").map((job) => ({ ...laterFields.job, ...job, plan: { ...laterFields.plan, ...job.plan } })),
    );
    for (const job of this.jobs.values()) this.#listJob(job);
    for (const runner of this.runners.values()) this.#runnerByTokenHash.set(runner.tokenHash, runner);
  }

  /** Looked up by its hash, a token cannot be guessed from how long that takes. */
  runnerOfTokenHash(tokenHash: string): RunnerRecord | undefined {
    return this.#runnerByTokenHash.get(tokenHash);
  }

  /** All attempts, oldest first. */
  jobsOf(pipelineId: number): readonly JobRecord[] {
    return this.#jobsByPipeline.get(pipelineId) ?? [];
  }

  /** The newest attempt of every job. */
  currentJobsOf(pipelineId: number): JobRecord[] {
    return this.jobsOf(pipelineId).filter((job) => !job.isRetried);
  }

  saveProject(project: ProjectRecord): void {
    this.projects.set(project.id, project);
    this.#store.put("project", project);
  }

  /** Gives a runner another token; the former one is void at once. */
  changeRunnerToken(runner: RunnerRecord, tokenHash: string): void {
    this.#runnerByTokenHash.delete(runner.tokenHash);
    runner.tokenHash = tokenHash;
    this.saveRunner(runner);
  }

  saveRunner(runner: RunnerRecord): void {
    this.runners.set(runner.id, runner);
    this.#runnerByTokenHash.set(runner.tokenHash, runner);
    this.#store.put("runner", runner);
  }

  removeRunner(id: number): void {
    this.#runnerByTokenHash.delete(this.runners.get(id)?.tokenHash ?? "");
    this.runners.delete(id);
    this.#store.remove("runner", id);
  }

  savePipeline(pipeline: PipelineRecord): void {
    this.pipelines.set(pipeline.id, pipeline);
    this.#store.put("pipeline", pipeline);
  }

  /** Forgets a pipeline and its jobs. */
  removePipeline(id: number): void {
    for (const job of this.jobsOf(id)) {
      this.jobs.delete(job.id);
      this.#store.remove("job", job.id);
    }
    this.#jobsByPipeline.delete(id);
    this.pipelines.delete(id);
    this.#store.remove("pipeline", id);
  }

  saveJob(job: JobRecord): void {
    if (!this.jobs.has(job.id)) {
      this.jobs.set(job.id, job);
      this.#listJob(job);
    }
    this.#store.put("job", job);
  }

  /** See `StateStore.stored`. */
  stored(): Promise<void> | undefined {
    return this.#store.stored();
  }

  /**
   * The next free id of a kind, counting up. Pipelines begin at random: trace ids are made of their ids (telemetry.md §1),
   * and those of two data directories that send to one collector must not meet.
   */
  nextId(kind: IdKind): number {
    // Maps keep the order of ids, so the last key is the largest.
    const last = this.#lastIds.get(kind) ?? [...this[kind].keys()].at(-1) ?? firstIds[kind]();
    this.#lastIds.set(kind, last + 1);
    return last + 1;
  }

  #listJob(job: JobRecord): void {
    const listed = this.#jobsByPipeline.get(job.pipelineId);
    if (listed === undefined) this.#jobsByPipeline.set(job.pipelineId, [job]);
    else listed.push(job);
  }
}

/** Fields that records of former versions lack. */
const laterFields = {
  project: { resourceGroupModes: {} },
  runner: { onlyProtectedRefs: false },
  pipeline: { isCanceledByFailure: false },
  job: { givenInputs: {}, isProtected: false },
  plan: { secrets: {}, inputs: {}, manualConfirmation: undefined },
};

type IdKind = "projects" | "runners" | "pipelines" | "jobs";

/** What counting begins after. 2^40 leaves room to count, and ids that JSON numbers hold exactly. */
const firstIds: Readonly<Record<IdKind, () => number>> = {
  projects: () => 0,
  runners: () => 0,
  pipelines: () => randomInt(2 ** 40),
  jobs: () => 0,
};

function byId<T extends { readonly id: number }>(records: readonly T[]): Map<number, T> {
  return new Map(records.map((record) => [record.id, record]));
}
