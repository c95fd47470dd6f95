import type { CoordinatorOptions, PipelineRequest, RunnerCredentials, RunnerOptions } from "./coordinator-options.ts";
import type { Pipeline } from "./pipeline-view.ts";
import type { PipelinePlan } from "./plan-view.ts";

/** A small GitLab for CI on one machine: GitLab's runner API over HTTP, and pipelines made from work trees. */
export interface Coordinator extends AsyncDisposable {
  /** What a runner's `url` shall be. */
  readonly url: string;
  /** Creates a runner; its token (`glrt-…`) is returned once and stored hashed. */
  createRunnerToken(options: RunnerOptions): RunnerCredentials;
  /**
   * Takes the snapshot and expands the configuration; queues nothing.
   * @throws {CoordinatorError} `not-a-repository`, `config-missing`, `config-invalid`, `no-jobs`, `unknown-job`, `git-failed`.
   */
  planPipeline(request: PipelineRequest): Promise<PipelinePlan>;
  /** Queues what was planned. @throws {CoordinatorError} `not-allowed` when the plan was used before. */
  startPipeline(plan: PipelinePlan): Pipeline;
  /** Both in one. */
  createPipeline(request: PipelineRequest): Promise<Pipeline>;
  /** Pipelines that are known, newest last. */
  pipelines(): readonly Pipeline[];
  cancelPipeline(pipelineId: number, options?: { force?: boolean }): void;
  /** Runs an ended job anew, as its next attempt, and what came after it. @returns the new job's id. */
  retryJob(jobId: number): number;
  /** Starts a `manual` or `scheduled` job now. */
  playJob(jobId: number): void;
  cancelJob(jobId: number, options?: { force?: boolean }): void;
  /** The stored log of a job, from `fromByte` (default 0). Empty when there is none. */
  readJobLog(jobId: number, options?: { fromByte?: number }): Promise<Uint8Array>;
}

export declare function startCoordinator(options: CoordinatorOptions): Promise<Coordinator>;
