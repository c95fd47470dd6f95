import { traceIdOfPipeline } from "../ids.ts";
import { jobVariable, ownField, ownNumber } from "../payload-field.ts";
import type { NegotiationWarning, TracedNegotiation } from "./negotiation.ts";
import { malformed, shapeOf } from "./shape.ts";

const traceIdPattern = /^(?!0{32})[0-9a-f]{32}$/;
const spanIdPattern = /^(?!0{16})[0-9a-f]{16}$/;

/** What a payload says about tracing, before the runner's policy has its say. */
export interface WireOffer {
  /** Undefined when the payload does not ask for telemetry, or not in a way that can be read. */
  readonly context?: Pick<TracedNegotiation, "form" | "traceId" | "parentSpanId">;
  /** `otel_endpoints` as sent; only GitLab's shipped form has any. */
  readonly endpoints?: unknown;
  readonly warnings: readonly NegotiationWarning[];
}

/**
 * Reads both wire forms. The shipped one wins; when it is malformed the original design's is tried, if that is there too.
 *
 * Rule: telemetry.md §1.
 */
export function readWireOffer(payload: unknown): WireOffer {
  const features = ownField(payload, "features");
  const tracing = ownField(features, "tracing");
  const shipped = isAbsent(tracing) ? noOffer : readContext(tracing, "features.tracing");
  if (shipped.context !== undefined) return { ...shipped, endpoints: ownField(tracing, "otel_endpoints") };
  if (ownField(features, "job_telemetry") !== true) return shipped;
  const designed = readContext(ownField(payload, "trace_context"), "trace_context");
  return { ...designed, warnings: [...shipped.warnings, ...designed.warnings] };
}

/**
 * The context for a job that is traced although its payload names none: that of its pipeline.
 *
 * Rule: telemetry.md §1, "forced locally".
 */
export function readForcedContext(payload: unknown): WireOffer {
  const pipelineId = jobVariable(payload, "CI_PIPELINE_ID") ?? ownNumber(ownField(payload, "job_info"), "pipeline_id");
  const traceId = pipelineId === undefined ? undefined : traceIdOfPipeline(pipelineId);
  if (traceId !== undefined) return { context: { form: "forced", traceId, parentSpanId: undefined }, warnings: [] };
  const what = { where: "CI_PIPELINE_ID", expected: "a positive integer", found: shapeOf(pipelineId) };
  return { warnings: [malformed("the pipeline's id makes no trace id", what)] };
}

const noOffer: WireOffer = { warnings: [] };

function readContext(value: unknown, form: "features.tracing" | "trace_context"): WireOffer {
  const traceId = ownField(value, "trace_id");
  if (typeof traceId !== "string" || !traceIdPattern.test(traceId)) {
    const what = {
      where: `${form}.trace_id`,
      expected: "32 lower-case hex digits, not all zero",
      found: shapeOf(traceId),
    };
    return { warnings: [malformed("the payload's telemetry is malformed, the job is not traced by it", what)] };
  }
  const parent = ownField(value, "span_parent_id");
  if (typeof parent === "string" && spanIdPattern.test(parent)) {
    return { context: { form, traceId, parentSpanId: parent }, warnings: [] };
  }
  const what = {
    where: `${form}.span_parent_id`,
    expected: "16 lower-case hex digits, not all zero",
    found: shapeOf(parent),
  };
  const warnings = isAbsent(parent)
    ? []
    : [malformed("the payload's parent span is malformed, the job is a root span", what)];
  return { context: { form, traceId, parentSpanId: undefined }, warnings };
}

function isAbsent(value: unknown): value is undefined | null {
  return value === undefined || value === null;
}
