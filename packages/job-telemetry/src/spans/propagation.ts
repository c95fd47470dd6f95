import { ROOT_CONTEXT, type SpanContext, trace } from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { EnvironmentSetter } from "@opentelemetry/propagator-env-carrier";

const propagator = new W3CTraceContextPropagator();

/**
 * `TRACEPARENT`, and `TRACESTATE` when set, that make a process's spans children of this one.
 *
 * Rule: telemetry.md §3; W3C Trace Context, in OpenTelemetry's spelling for environment variables.
 */
export function traceEnvironment(span: SpanContext): Readonly<Record<string, string>> {
  const environment: Record<string, string> = {};
  propagator.inject(trace.setSpanContext(ROOT_CONTEXT, span), undefined, new EnvironmentSetter(environment));
  return Object.freeze(environment);
}
