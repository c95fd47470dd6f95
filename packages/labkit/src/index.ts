export type {
  AuthSpec,
  AwsIdentitySpec,
  ClientCredentialsSpec,
  GcpIdentitySpec,
  SecretSpec,
} from "./auth/auth-spec.ts";
export { createTokenSource, type TokenSourceDeps } from "./auth/create-token-source.ts";
export { environmentProxyFor } from "./auth/environment-proxy.ts";
export { isLoopback } from "./auth/loopback.ts";
export type { TokenSource } from "./auth/token-source.ts";
export { TokenSourceError } from "./auth/token-source.ts";
export { createLog, type LogOptions } from "./logging/create-log.ts";
export type { Log, LogFields, LogLevel } from "./logging/log.ts";
export { silentLog } from "./logging/log.ts";
export { createMaskedLog } from "./logging/masked-log.ts";
export { createLogMasker, type LogMasker } from "./masking/log-masker.ts";
export { createMasker, type Masker } from "./masking/masker.ts";
export type { MaskRules } from "./masking/rules.ts";
export { defaultTokenPrefixes, maskText, secretUrlParameters } from "./masking/rules.ts";
export { checkEndpoint, type EndpointCheckOptions } from "./otlp/check/check-endpoint.ts";
export type { CheckStep, CheckStepName } from "./otlp/check/check-step.ts";
export type {
  BreakerState,
  DropReason,
  EndpointStats,
  FlushOutcome,
  LatencyHistogram,
  SpanPriority,
  SpoolStats,
  TelemetryEndpoint,
} from "./otlp/endpoint.ts";
export {
  createEndpointPool,
  type EndpointPool,
  type EndpointPoolOptions,
  type EndpointUse,
} from "./otlp/endpoint-pool.ts";
export type { EndpointSpec, ParsedEndpoint } from "./otlp/endpoint-spec.ts";
export { checkEndpointSpec, type EndpointCheck, EndpointSpecError } from "./otlp/endpoint-spec-check.ts";
export { createFileSpanSink, type FileSpanSink, type FileSpanSinkOptions } from "./otlp/file-span-sink.ts";
export type { EndpointLimits } from "./otlp/limits.ts";
export { defaultEndpointLimits } from "./otlp/limits.ts";
export { spansToOtlpJson } from "./otlp/otlp-json.ts";
export { createSpanProcessor } from "./otlp/span-processor.ts";
export { inspectSpool, type SpooledSpans, spoolKeyOfSpec } from "./otlp/spool/inspect-spool.ts";
export type { Interruption } from "./otlp/spool/interrupted-span.ts";
export { defaultSpoolLimits, type SpoolLimits } from "./otlp/spool/spool-limits.ts";
export type { SpoolOptions } from "./otlp/spool/spool-opener.ts";
export { parseTracingConnectionString, type TracingConnection } from "./otlp/tracing-connection-string.ts";
