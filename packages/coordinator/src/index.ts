export type { Coordinator } from "./coordinator.ts";
export { startCoordinator } from "./coordinator.ts";
export { CoordinatorError } from "./coordinator-error.ts";
export type {
  ContainerJobs,
  CoordinatorOptions,
  CoordinatorTelemetry,
  KeepLimits,
  PipelineRequest,
  RunnerCredentials,
  RunnerOptions,
  VariableInput,
} from "./coordinator-options.ts";
export type { JobState, PipelineState } from "./job-state.ts";
export { jobLogLines } from "./lifecycle/job-log-lines.ts";
export type { ArtifactView, JobView, Pipeline, PipelineEvents, PipelineView } from "./pipeline-view.ts";
export type { PipelinePlan, PlannedJobView } from "./plan-view.ts";
export type { PlayableJob } from "./remote/playable-job.ts";
export { connectToCoordinator, type RemoteCoordinator } from "./remote/remote-coordinator.ts";
export type { RunnerFeatures, UnmetNeed } from "./runner-features.ts";
export { unmetNeeds } from "./runner-features.ts";
