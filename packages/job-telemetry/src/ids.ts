import { hash } from "node:crypto";

const pipelineIdPattern = /^[1-9]\d{0,38}$/;
const maxTraceId = 2n ** 128n - 1n;

/**
 * The trace id of a pipeline: its **root** pipeline's database id as 128-bit hex, so that all jobs of the pipeline and of
 * its child pipelines share one trace.
 *
 * @returns undefined when the id is not a positive integer of at most 128 bits.
 *
 * Rule: telemetry.md §1.
 */
export function traceIdOfPipeline(rootPipelineId: string | number | bigint): string | undefined {
  const digits = String(rootPipelineId);
  if (!pipelineIdPattern.test(digits)) return undefined;
  const id = BigInt(digits);
  return id > maxTraceId ? undefined : id.toString(16).padStart(32, "0");
}

/**
 * The span id of `job_execution`: of SHA-256 over `job_execution:<coordinator URL>:<job id>`.
 *
 * @param coordinatorUrl is normalised first (see `coordinatorKey`), so that its spelling does not matter.
 *
 * Rule: telemetry.md §2.
 */
export function jobSpanId(job: { coordinatorUrl: string; jobId: number }): string {
  return firstBytesOfHash(jobKey(job));
}

/**
 * The span id of a span below `job_execution`: the job's text followed by `:<parent span id>:<name>:<ordinal>`.
 *
 * @param child `name`: as it is on the span, masked. `ordinal`: from 1, counted among the parent's children of that name.
 *
 * Rule: telemetry.md §2.
 */
export function childSpanId(
  job: { coordinatorUrl: string; jobId: number },
  child: { parentSpanId: string; name: string; ordinal: number },
): string {
  return firstBytesOfHash(`${jobKey(job)}:${child.parentSpanId}:${child.name}:${child.ordinal}`);
}

/**
 * The span id of a lifecycle span that GitLab sends when a job ends: `job_lifecycle`, `job_pending`, `job_running`.
 *
 * Rule: telemetry.md §1.
 */
export function railsSpanId(span: {
  rootPipelineId: string | number;
  jobId: number;
  kind: "lifecycle" | "pending" | "running";
}): string {
  return firstBytesOfHash(`${span.rootPipelineId}:${span.jobId}:${span.kind}`);
}

/** The span id of a pipeline, which GitLab's spans name as their parent without ever sending it. Rule: telemetry.md §1. */
export function pipelineSpanId(rootPipelineId: string | number): string {
  return firstBytesOfHash(`pipeline:${rootPipelineId}`);
}

function jobKey(job: { coordinatorUrl: string; jobId: number }): string {
  return `job_execution:${coordinatorKey(job.coordinatorUrl)}:${job.jobId}`;
}

/** The coordinator's URL in one spelling: lower-case host, no default port, credentials, query or slash at the end. */
function coordinatorKey(coordinatorUrl: string): string {
  const url = URL.parse(coordinatorUrl);
  const plain = url === null ? coordinatorUrl : `${url.protocol}//${url.host}${url.pathname}`;
  return plain.replace(/\/+$/, "");
}

function firstBytesOfHash(text: string): string {
  return hash("sha256", text, "hex").slice(0, 16);
}
