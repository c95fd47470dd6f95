import type { JobTrace } from "@jobscope/job-telemetry";
import type { TelemetryConfig } from "../config/telemetry-config.ts";
import type { Job } from "../coordinator-client/job.ts";
import { jobFacts } from "./job-facts.ts";

/**
 * What a traced job's log says of its trace: the id, and where to look at it. Undefined for other jobs, and as long as the
 * operator did not ask for it: a job's log is the same with telemetry and without (telemetry.md §4).
 */
export function traceLine(
  { traceId, spanId }: Pick<JobTrace, "traceId" | "spanId">,
  job: Job,
  { logsTraceId, traceUrlTemplate }: Pick<TelemetryConfig, "logsTraceId" | "traceUrlTemplate">,
): string | undefined {
  if (traceId === undefined || !logsTraceId) return undefined;
  if (traceUrlTemplate === undefined) return `trace ${traceId}`;
  const values: Readonly<Record<string, string | number | undefined>> = {
    trace_id: traceId,
    span_id: spanId,
    job_id: job.id,
    pipeline_id: jobFacts(job).pipelineId,
    project_id: job.project.id,
  };
  const url = traceUrlTemplate.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? ""));
  return `trace ${traceId}: ${url}`;
}
