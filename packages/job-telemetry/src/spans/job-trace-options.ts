import type { Log, Masker } from "@jobscope/labkit";
import type { SpanProcessor } from "@opentelemetry/sdk-trace";
import type { SpanClock, UnixNano } from "../clock.ts";
import type { JobFacts, RunnerFacts } from "../job-facts.ts";
import type { TracedNegotiation } from "../negotiation/negotiation.ts";
import type { TelemetryPolicy } from "../policy.ts";

/** What `startJobTrace` needs. */
export interface JobTraceOptions {
  /** The trace to continue: the result of `negotiate`, or its two ids. */
  readonly context: Pick<TracedNegotiation, "traceId" | "parentSpanId">;
  readonly policy: TelemetryPolicy;
  /** The coordinator's URL as configured; a part of the job span's id. */
  readonly coordinatorUrl: string;
  readonly job: JobFacts;
  readonly runner: RunnerFacts;
  /**
   * Masks every string before it reaches the SDK. Made for this job: its masked variables, job token and token prefixes.
   * It is asked again for each value, so secrets learnt during the job are masked from then on.
   */
  readonly masker: Masker;
  /** Get `onStart` and `onEnd` of every span: exporters, a terminal view. What one of them throws is caught. */
  readonly spanProcessors: readonly SpanProcessor[];
  /** The runner log of this job; hears of a fault of telemetry once. */
  readonly log: Log;
  /** One per process: `createSpanClock()`. */
  readonly clock: SpanClock;
  /** When the job was acknowledged, if that was before this call. Default: now. */
  readonly startedAt?: UnixNano | undefined;
  /** A `tracestate` to hand on to the job's processes. Default: none. */
  readonly traceState?: string;
}
