/**
 * The embedded collector: receives spans over OTLP, stores them in ClickHouse, answers queries about them.
 *
 * Processes that only ask a running collector import `@jobscope/collector/client`, which loads no database engine.
 */
export type { CollectorAuth } from "./auth/collector-auth.ts";
export type { RefusalCounts } from "./auth/gate.ts";
export type { OidcIssuer } from "./auth/oidc-issuer.ts";
export type { TlsFiles } from "./auth/tls-files.ts";
export type { RefusalReason } from "./auth/verdict.ts";
export type { Collector, CollectorAddresses, CollectorOptions } from "./collector.ts";
export { startCollector } from "./collector.ts";
export type { CollectorStats } from "./collector-stats.ts";
export { ConfigError, type ConfigProblem } from "./config-error.ts";
export { openStoreReadOnly } from "./query/read-only-store.ts";
export { StoreError, type StoreErrorCode } from "./store/store-error.ts";
export type { StoreLocation } from "./store/store-location.ts";
export type {
  JobSummary,
  ListFilter,
  PipelineSummary,
  SpanKindWord,
  SpanStatusWord,
  SqlAnswer,
  SqlOptions,
  StoredAttributes,
  StoredJobState,
  StoredSpan,
  StoredSpanEvent,
  StoredSpanLink,
  StoredTrace,
  TraceReader,
} from "./stored-trace.ts";
