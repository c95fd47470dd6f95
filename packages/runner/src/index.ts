export { ConfigError, type ConfigProblem } from "./config/config-error.ts";
export { loadConfig } from "./config/load-config.ts";
export type { ProxyConfig, RunnerManagerConfig } from "./config/manager-config.ts";
export { type ParseConfigOptions, parseConfig } from "./config/parse-config.ts";
export type { Environment } from "./config/process-environment.ts";
export type { RunnerCacheConfig, RunnerConfig, RunnerTlsConfig } from "./config/runner-config.ts";
export type { TelemetryConfig } from "./config/telemetry-config.ts";
export type { FailureReason } from "./coordinator-client/failure-reason.ts";
export type { JobVerdict } from "./job/job-verdict.ts";
export type { SpanProcessor } from "./manager/job-telemetry.ts";
export type {
  RunnerManager,
  RunnerManagerObserver,
  RunnerManagerOptions,
  RunningJob,
} from "./manager/runner-manager.ts";
export { startRunnerManager } from "./manager/start-runner-manager.ts";
