import { z } from "zod";
import type { JobSummary, StoredSpan, StoredTrace } from "../stored-trace.ts";

/**
 * How spans and jobs look in JSON: as the store's queries answer them, and as the query API sends them. One schema for
 * both ways. 64-bit integers are decimal strings.
 */
const nanoseconds = z
  .string()
  .regex(/^-?\d+$/)
  .transform(BigInt);
const attributes = z.record(z.string(), z.string());
const optionalNumber = z
  .number()
  .nullish()
  .transform((value) => value ?? undefined);

export const storedSpanSchema = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z
    .string()
    .nullish()
    .transform((id) => (id ? id : undefined)),
  name: z.string(),
  kind: z.enum(["Unspecified", "Internal", "Server", "Client", "Producer", "Consumer"]),
  serviceName: z.string(),
  startUnixNano: nanoseconds,
  durationNano: nanoseconds,
  status: z.enum(["Unset", "Ok", "Error"]),
  statusMessage: z.string(),
  attributes,
  resourceAttributes: attributes,
  scopeName: z.string(),
  scopeVersion: z.string(),
  events: z.array(z.object({ timeUnixNano: nanoseconds, name: z.string(), attributes })),
  links: z.array(z.object({ traceId: z.string(), spanId: z.string(), traceState: z.string(), attributes })),
}) satisfies z.ZodType<StoredSpan>;

export const storedTraceSchema = z.object({
  traceId: z.string(),
  spans: z.array(storedSpanSchema),
  truncated: z.boolean(),
}) satisfies z.ZodType<StoredTrace>;

const jobState = z.enum(["running", "success", "failed", "canceled"]);

export const jobSummarySchema = z.object({
  jobId: z.string(),
  traceId: z.string(),
  name: z.string(),
  pipelineStage: z.string(),
  state: jobState,
  failureReason: z.string(),
  projectId: z.string(),
  projectPath: z.string(),
  pipelineId: z.string(),
  pipelineSource: z.string(),
  ref: z.string(),
  runnerId: z.string(),
  startUnixNano: nanoseconds,
  durationNano: nanoseconds,
  queuedDurationS: optionalNumber,
  exitCode: optionalNumber,
  allowFailure: z.boolean(),
}) satisfies z.ZodType<JobSummary>;

export const pipelineSummarySchema = z.object({
  pipelineId: z.string(),
  traceId: z.string(),
  projectId: z.string(),
  projectPath: z.string(),
  pipelineSource: z.string(),
  ref: z.string(),
  state: jobState,
  jobs: z.number(),
  failedJobs: z.number(),
  startUnixNano: nanoseconds,
  durationNano: nanoseconds,
});

/** JSON text of anything that holds 64-bit integers. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => (typeof inner === "bigint" ? inner.toString() : inner));
}
