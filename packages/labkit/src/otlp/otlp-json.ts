import { JsonTraceSerializer } from "@opentelemetry/otlp-transformer";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";

/** Spans as one `ExportTraceServiceRequest` in OTLP's JSON form: what `--out trace.json` writes and collectors read. */
export function spansToOtlpJson(spans: readonly ReadableSpan[]): string {
  return new TextDecoder().decode(JsonTraceSerializer.serializeRequest([...spans]));
}
