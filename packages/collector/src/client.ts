// biome-ignore-all lint/performance/noBarrelFile: a public entry of the package, as src/index.ts is (package.json, exports).
/** What asks a running collector: no database engine is loaded by importing this. */
export {
  CollectorApiError,
  type CollectorApiErrorCode,
  type CollectorClientOptions,
  createCollectorClient,
} from "./api-client.ts";
export { findRunningCollector, type RunningCollector } from "./running-collector.ts";
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
