export { type CheckCachesOptions, checkCaches } from "./commands/check-caches.ts";
export { CommandError, type CommandIo } from "./commands/command-io.ts";
export { checkHealth, type HealthCheckOptions } from "./commands/health-check.ts";
export { lintConfig } from "./commands/lint.ts";
export { type ListOptions, listRunners } from "./commands/list.ts";
export { type MakeHelperImageOptions, makeHelperImage } from "./commands/make-helper-image.ts";
export type { ProcessSignal, SignalSource } from "./commands/process-signals.ts";
export { registerRunner } from "./commands/register.ts";
export type { RegisterOptions, ServerSideOptions } from "./commands/register-options.ts";
export { type ResetTokenOptions, resetTokens } from "./commands/reset-token.ts";
export { type RunOptions, runRunners } from "./commands/run.ts";
export type { RunContext } from "./commands/run-context.ts";
export { type RunSingleOptions, runSingle } from "./commands/run-single.ts";
export type { RunnerSelector } from "./commands/select-runners.ts";
export { type UnregisterOptions, unregisterRunners } from "./commands/unregister.ts";
export { type VerifyOptions, verifyRunners } from "./commands/verify.ts";
export { ConfigError, type ConfigProblem } from "./config/config-error.ts";
export { loadConfig } from "./config/load-config.ts";
export { logLevels } from "./config/log-levels.ts";
export type { ProxyConfig, RunnerManagerConfig } from "./config/manager-config.ts";
export { type ParseConfigOptions, parseConfig } from "./config/parse-config.ts";
export { type PayloadEndpoint, payloadEndpoint } from "./config/payload-endpoint.ts";
export type { Environment } from "./config/process-environment.ts";
export type { RunnerConfig, RunnerTlsConfig } from "./config/runner-config.ts";
export type { TelemetryConfig } from "./config/telemetry-config.ts";
export { CoordinatorError, type CoordinatorOperation } from "./coordinator-client/coordinator-error.ts";
export type { FailureReason } from "./coordinator-client/failure-reason.ts";
export { type FoundEngine, findDockerEngine } from "./helper-image/find-docker-engine.ts";
export type { HelperImage } from "./helper-image/helper-image.ts";
export { HelperImageError } from "./helper-image/helper-image-error.ts";
export type { JobVerdict } from "./job/job-verdict.ts";
export type {
  RunnerManager,
  RunnerManagerObserver,
  RunnerManagerOptions,
} from "./manager/runner-manager.ts";
export type { SpanProcessor } from "./manager/span-processor.ts";
export { startRunnerManager } from "./manager/start-runner-manager.ts";
export type { ManagerStatus, RunnerStatus, RunningJob } from "./metrics/manager-status.ts";
export type { RunnerMetrics } from "./metrics/runner-metrics.ts";
export { runnerVersion } from "./runner-version.ts";
