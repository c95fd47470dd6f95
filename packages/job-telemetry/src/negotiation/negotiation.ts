import type { EndpointSpec } from "@jobscope/labkit";

/** What was agreed for one job. A result, never an exception: a payload cannot fail a job by its telemetry. */
export type Negotiation = UntracedNegotiation | TracedNegotiation;

/** The job runs as if telemetry did not exist. */
export interface UntracedNegotiation {
  readonly kind: "untraced";
  /** Why, in one sentence, for the runner log. */
  readonly why: string;
  /** True when the operator should hear of it (something was malformed); false when nobody asked for telemetry. */
  readonly warn: boolean;
  /** For the runner log, one entry a line; never for the job log. */
  readonly warnings: readonly NegotiationWarning[];
}

/** The job is traced. */
export interface TracedNegotiation {
  readonly kind: "traced";
  /** Where the trace id comes from: GitLab's shipped form, the original design's, or the pipeline's id. */
  readonly form: "features.tracing" | "trace_context" | "forced";
  /** 32 lower-case hex digits, not all zero. */
  readonly traceId: string;
  /** 16 lower-case hex digits, not all zero. Undefined: the job span is a root span of `traceId`. */
  readonly parentSpanId: string | undefined;
  /** Where this job's spans go, after `endpointPolicy`. Empty only when the policy has a local viewer. */
  readonly endpoints: readonly EndpointSpec[];
  readonly warnings: readonly NegotiationWarning[];
}

/** One line for the runner log: `log.warn(message, fields)`. No value of the payload is in it, only its shape, but for a host's name. */
export interface NegotiationWarning {
  readonly message: string;
  readonly fields: Readonly<Record<string, string | number>>;
}
