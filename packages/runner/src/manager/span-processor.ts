import type { JobTraceOptions } from "@jobscope/job-telemetry";

/** OpenTelemetry's span processor, as job-telemetry takes it. */
export type SpanProcessor = JobTraceOptions["spanProcessors"][number];
