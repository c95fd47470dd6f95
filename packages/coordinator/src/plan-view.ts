/** One job that a pipeline would have. */
export interface PlannedJobView {
  readonly name: string;
  /** Name in the file, without `parallel` place or matrix values. */
  readonly baseName: string;
  readonly pipelineStage: string;
  readonly when: "on_success" | "on_failure" | "always" | "manual" | "delayed";
  readonly allowFailure: boolean;
  /** Names of the jobs it waits for; `undefined` when it waits for all jobs of earlier stages. */
  readonly needs: readonly string[] | undefined;
  readonly tags: readonly string[];
  readonly image: string | undefined;
  readonly services: readonly string[];
  /** True for a `run:` job (CI Functions). */
  readonly usesFunctions: boolean;
}

/**
 * What a pipeline would be: nothing was queued yet. Hand it to `startPipeline` once; it refers to a snapshot that was
 * taken when it was made.
 */
export interface PipelinePlan {
  readonly jobs: readonly PlannedJobView[];
  readonly pipelineStages: readonly string[];
  /** Jobs of the file that the rules left out. */
  readonly excludedJobs: readonly string[];
  readonly name: string | undefined;
  readonly ref: string;
  readonly sha: string;
  /** True when the snapshot holds changes that are not committed. */
  readonly hasUncommittedChanges: boolean;
  /** One sentence each: keywords that are not acted on, submodules that cannot be served, … */
  readonly warnings: readonly string[];
}
