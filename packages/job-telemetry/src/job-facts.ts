/** What telemetry wants to know of a job. All but the ids may be unknown, and is then not on the span. */
export interface JobFacts {
  readonly jobId: number;
  readonly projectId: number;
  /** A string, as in GitLab's runner: `CI_PIPELINE_ID`. */
  readonly pipelineId: string;
  /** `CI_PIPELINE_SOURCE`: `push`, `merge_request_event`, … */
  readonly pipelineSource?: string | undefined;
  readonly pipelineIid?: string | undefined;
  readonly pipelineName?: string | undefined;
  readonly pipelineUrl?: string | undefined;
  readonly jobName?: string | undefined;
  /** The `stage:` keyword's value. */
  readonly pipelineStage?: string | undefined;
  readonly jobUrl?: string | undefined;
  readonly jobAttempt?: number | undefined;
  readonly allowFailure?: boolean | undefined;
  readonly timeoutS?: number | undefined;
  readonly queuedDurationS?: number | undefined;
  readonly projectPath?: string | undefined;
  /** May hold credentials; they are removed. */
  readonly repositoryUrl?: string | undefined;
  readonly ref?: string | undefined;
  readonly refType?: "branch" | "tag" | undefined;
  readonly sha?: string | undefined;
  /** The merge request's number, for its pipelines. */
  readonly changeId?: string | undefined;
}

/** What telemetry wants to know of who runs the job. */
export interface RunnerFacts {
  /** The id in the runner's configuration; 0 when it has none, as in GitLab's runner. */
  readonly id: number;
  /** `shell`, `docker`, … */
  readonly executor: string;
  readonly description?: string | undefined;
  /** The runner manager's system id. */
  readonly systemId: string;
  readonly tags?: readonly string[] | undefined;
  /** Of the runner's program: `service.version` and the scope's version. */
  readonly version: string;
}
