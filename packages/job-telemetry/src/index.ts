export { attributesBySpan, type SpanAttributeName, type SpanAttributes } from "./attributes.ts";
export type { SpanClock, Timeline, UnixNano } from "./clock.ts";
export type { JobFacts, RunnerFacts } from "./job-facts.ts";
export type { LogSectionEvent } from "./log-sections/log-section-event.ts";
export type {
  Negotiation,
  NegotiationWarning,
  TracedNegotiation,
  UntracedNegotiation,
} from "./negotiation/negotiation.ts";
export { defaultTelemetryPolicy, type TelemetryPolicy } from "./policy.ts";
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
