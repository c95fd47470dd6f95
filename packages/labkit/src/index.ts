export type { AuthSpec, TokenSource } from "./auth/token-source.ts";
export { TokenSourceError } from "./auth/token-source.ts";
export type { Log, LogFields, LogLevel } from "./logging/log.ts";
export { silentLog } from "./logging/log.ts";
export { createLogMasker, type LogMasker } from "./masking/log-masker.ts";
export { createMasker, type Masker } from "./masking/masker.ts";
export type { MaskRules } from "./masking/rules.ts";
export { defaultTokenPrefixes, maskText, secretUrlParameters } from "./masking/rules.ts";
export type {
  BreakerState,
  DropReason,
  EndpointStats,
  FlushOutcome,
  LatencyHistogram,
  TelemetryEndpoint,
} from "./otlp/endpoint.ts";
export type { EndpointPool, EndpointPoolOptions, SpanPriority } from "./otlp/endpoint-pool.ts";
export type { EndpointSpec, ParsedEndpoint } from "./otlp/endpoint-spec.ts";
export { checkEndpointSpec, type EndpointCheck, EndpointSpecError, isLoopback } from "./otlp/endpoint-spec-check.ts";
export type { EndpointLimits } from "./otlp/limits.ts";
export { defaultEndpointLimits } from "./otlp/limits.ts";

// Functions, with these signatures, follow in the next commits:
//   createLog({ level?, format?: "text" | "json", masker?, write? }): Log
//   createEndpointPool(options: EndpointPoolOptions): EndpointPool
//   createSpanProcessor(endpoints: readonly TelemetryEndpoint[]): SpanProcessor
//   spansToOtlpJson(spans: readonly ReadableSpan[]): string;  createFileSpanSink({ path, maxSpans? }): SpanProcessor
//   parseTracingConnectionString(text): { kind: "usable", spec: EndpointSpec, ... } | { kind: "unusable", why }
