import type { CoordinatorTelemetry } from "../coordinator-options.ts";
import type { JobRecord, PipelineRecord } from "../lifecycle/records.ts";
import { spanIdOf, traceIdOf } from "./trace-ids.ts";

/** The parts of a job payload that ask for telemetry. */
export interface PayloadTelemetry {
  readonly features: Readonly<Record<string, unknown>>;
  readonly topLevel: Readonly<Record<string, unknown>>;
}

/** Runners honour no more (telemetry.md §1). */
const maxEndpoints = 2;

/** Rule: telemetry.md §1, both wire forms; runner-protocol.md §7.1. */
export function payloadTelemetry(
  telemetry: CoordinatorTelemetry,
  pipeline: PipelineRecord,
  job: JobRecord,
): PayloadTelemetry {
  if (!pipeline.isTraced || telemetry.form === "none") return { features: {}, topLevel: {} };
  const ids = {
    trace_id: traceIdOf(pipeline.rootPipelineId),
    span_parent_id: spanIdOf(`${pipeline.rootPipelineId}:${job.id}:running`),
  };
  if (telemetry.form === "original") {
    return { features: { job_telemetry: true }, topLevel: { trace_context: ids } };
  }
  const otel_endpoints = telemetry.endpoints
    .slice(0, maxEndpoints)
    .map(({ url, auth }) => ({ url, ...(auth === undefined ? {} : { auth }) }));
  return { features: { tracing: { ...ids, otel_endpoints } }, topLevel: {} };
}
