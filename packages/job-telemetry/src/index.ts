export { attributesBySpan, type SpanAttributeName, type SpanAttributes } from "./attributes.ts";
export { type ClockSources, createSpanClock, type SpanClock, type Timeline, type UnixNano } from "./clock.ts";
export { childSpanId, jobSpanId, pipelineSpanId, railsSpanId, traceIdOfPipeline } from "./ids.ts";
export type { JobFacts, RunnerFacts } from "./job-facts.ts";
export type { LogSectionEvent } from "./log-sections/log-section-event.ts";
export {
  createLogSectionParser,
  type LogSectionParser,
  type LogSectionParserOptions,
} from "./log-sections/log-section-parser.ts";
export { negotiate } from "./negotiation/negotiate.ts";
export type {
  Negotiation,
  NegotiationWarning,
  TracedNegotiation,
  UntracedNegotiation,
} from "./negotiation/negotiation.ts";
export { notedEndpoints, noteOfEndpoint } from "./negotiation/noted-endpoints.ts";
export { defaultTelemetryPolicy, type TelemetryPolicy } from "./policy.ts";
export {
  measureProcessTree,
  type ProcessTreeMeter,
  type ResourceUsage,
} from "./resource-usage/measure-process-tree.ts";
export type {
  ChildOptions,
  CommandOptions,
  FunctionOptions,
  FunctionSpan,
  JobTrace,
  JobTraceStats,
  JobVerdict,
  LeafSpan,
  OpenSpan,
  SectionOptions,
  SpanOutcome,
  StageOptions,
  StageSpan,
} from "./spans/job-trace.ts";
export type { JobTraceOptions } from "./spans/job-trace-options.ts";
export { spanPriority } from "./spans/span-priority.ts";
export { startJobTrace } from "./spans/start-job-trace.ts";
export { untracedJobTrace } from "./spans/untraced-job-trace.ts";
