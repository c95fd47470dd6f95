export type { RunnerManagerConfig } from "./config/manager-config.ts";
export type { RunnerCacheConfig, RunnerConfig, RunnerTlsConfig } from "./config/runner-config.ts";
export type { TelemetryConfig } from "./config/telemetry-config.ts";
export type { FailureReason } from "./coordinator-client/failure-reason.ts";
export type { JobVerdict } from "./job/job-verdict.ts";
export type {
  RunnerManager,
  RunnerManagerObserver,
  RunnerManagerOptions,
  RunningJob,
} from "./manager/runner-manager.ts";
