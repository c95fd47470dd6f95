import type { ContainerJobs } from "../coordinator-options.ts";
import type { JobState, PipelineState } from "../job-state.ts";
import type { PlannedJob } from "../pipeline/plan/planned-job.ts";
import type { PipelineFacts } from "../pipeline/variables/predefined-variables.ts";
import type { Variable } from "../pipeline/variables/variable.ts";
import type { ServedRepository, UrlRewrite } from "../repository/capture-repository.ts";
import type { RunnerFeatures } from "../runner-features.ts";

/* What the coordinator remembers: plain data, stored as JSON. Changed only by the lifecycle. */

/** A repository of the user's that pipelines were made from. */
export interface ProjectRecord {
  readonly id: number;
  /** Work tree that its pipelines are made from; another one once that is gone. */
  topLevel: string;
  /** `group/project`. */
  readonly path: string;
  defaultBranch: string;
  lastPipelineIid: number;
  repositories: readonly ServedRepository[];
  /** Process modes of resource groups, where somebody has set one. */
  resourceGroupModes: Readonly<Record<string, ProcessMode>>;
}

/** In which order jobs of a resource group get it (GitLab's documentation "Resource group", process modes). */
export type ProcessMode = "unordered" | "oldest_first" | "newest_first" | "newest_ready_first";

/** A runner that may ask for jobs. */
export interface RunnerRecord {
  readonly id: number;
  /** SHA-256 of the runner token, hex. */
  tokenHash: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly runUntagged: boolean;
  readonly ignoresTags: boolean;
  /** `undefined` in records of before there was such a choice: `announced`. */
  readonly containers: ContainerJobs | undefined;
  readonly paused: boolean;
  /** Takes jobs of protected refs only (`access_level: ref_protected`). */
  readonly onlyProtectedRefs: boolean;
  readonly maximumTimeoutSeconds: number | undefined;
  readonly createdAtMs: number;
  contactedAtMs: number | undefined;
}

/** One pipeline. */
export interface PipelineRecord {
  readonly id: number;
  readonly iid: number;
  readonly projectId: number;
  /** The pipeline at the top, whose id all ids of the trace are made of (telemetry.md §1). */
  readonly rootPipelineId: number;
  /** The trigger job that started it, for a child pipeline. */
  readonly parentJobId: number | undefined;
  readonly name: string | undefined;
  readonly facts: PipelineFacts;
  readonly pipelineStages: readonly string[];
  /** Bare repository that has the commit. */
  readonly repositoryFolder: string;
  readonly rewrites: readonly UrlRewrite[];
  readonly projectVariables: readonly Variable[];
  readonly pipelineVariables: readonly Variable[];
  readonly autoCancel: "conservative" | "interruptible" | "none";
  /** `workflow: auto_cancel: on_job_failure: all`. */
  readonly isCanceledByFailure: boolean;
  readonly isTraced: boolean;
  readonly createdAtMs: number;
  state: PipelineState;
  startedAtMs: number | undefined;
  finishedAtMs: number | undefined;
}

/** One stored artifact. */
export interface ArtifactRecord {
  readonly type: string;
  readonly format: string;
  readonly filename: string;
  readonly sizeBytes: number;
  readonly expiresAtMs: number | undefined;
  /** Name of its file in the job's folder. */
  readonly storedAs: string;
}

/** Who runs a job. */
export interface JobRunner {
  readonly id: number;
  readonly description: string;
  readonly systemId: string;
  readonly tags: readonly string[];
  readonly features: RunnerFeatures;
}

/** One attempt at one job. */
export interface JobRecord {
  readonly id: number;
  readonly pipelineId: number;
  readonly projectId: number;
  readonly plan: PlannedJob;
  readonly attempt: number;
  /** Of a pipeline of a protected ref. */
  readonly isProtected: boolean;
  readonly createdAtMs: number;
  state: JobState;
  isRetried: boolean;
  allowFailure: boolean;
  failureReason: string | undefined;
  exitCode: number | undefined;
  queuedAtMs: number | undefined;
  startedAtMs: number | undefined;
  finishedAtMs: number | undefined;
  /** When a delayed job shall start. */
  scheduledForMs: number | undefined;
  runner: JobRunner | undefined;
  /** How often it was given to a runner; part of its token, so that only the last one's counts. */
  handouts: number;
  /** The runner has spoken since it got the job. */
  isAcknowledged: boolean;
  artifacts: readonly ArtifactRecord[];
  /** From its `dotenv` report. */
  dotenv: readonly { readonly key: string; readonly value: string }[];
  coverage: number | undefined;
  /** Of its `inputs:` those that whoever started it has given. */
  givenInputs: Readonly<Record<string, unknown>>;
  /** The pipeline that a trigger job started. */
  childPipelineId: number | undefined;
}
