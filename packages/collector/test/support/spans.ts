import { randomBytes } from "node:crypto";
import { type Attributes, SpanKind, SpanStatusCode, TraceFlags } from "@opentelemetry/api";
import { JsonTraceSerializer, ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";

/** What a test says about a span; everything else has a default. */
export interface SpanFacts {
  readonly traceId?: string;
  readonly spanId?: string;
  readonly parentSpanId?: string;
  readonly name?: string;
  readonly kind?: SpanKind;
  readonly startMs?: number;
  readonly durationMs?: number;
  readonly attributes?: Attributes;
  readonly resource?: Attributes;
  readonly status?: { code: SpanStatusCode; message?: string };
  readonly events?: ReadableSpan["events"];
  readonly links?: ReadableSpan["links"];
}

export function newTraceId(): string {
  return randomBytes(16).toString("hex");
}

export function newSpanId(): string {
  return randomBytes(8).toString("hex");
}

/** A finished span as the SDK would hand it to an exporter. */
export function aSpan(facts: SpanFacts = {}): ReadableSpan {
  const { traceId = newTraceId(), spanId = newSpanId(), startMs = Date.now(), durationMs = 1500 } = facts;
  const traceFlags = TraceFlags.SAMPLED;
  const spanContext = { traceId, spanId, traceFlags };
  return {
    name: facts.name ?? "step_script",
    kind: facts.kind ?? SpanKind.INTERNAL,
    spanContext: () => spanContext,
    ...(facts.parentSpanId === undefined
      ? {}
      : { parentSpanContext: { traceId, spanId: facts.parentSpanId, traceFlags } }),
    startTime: hrTime(startMs),
    endTime: hrTime(startMs + durationMs),
    duration: hrTime(durationMs),
    status: facts.status ?? { code: SpanStatusCode.OK },
    attributes: facts.attributes ?? {},
    links: facts.links ?? [],
    events: facts.events ?? [],
    ended: true,
    resource: resourceFromAttributes({ "service.name": "gitlab-ci-runner", ...facts.resource }),
    instrumentationScope: { name: "gitlab-ci-runner", version: "0.1.0" },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

/** So many spans of one new trace. */
export function someSpans(count: number, facts: SpanFacts = {}): ReadableSpan[] {
  const traceId = facts.traceId ?? newTraceId();
  return Array.from({ length: count }, () => aSpan({ ...facts, traceId }));
}

export function protobufOf(spans: ReadableSpan[]): Buffer {
  return Buffer.from(ProtobufTraceSerializer.serializeRequest(spans) ?? []);
}

export function jsonOf(spans: ReadableSpan[]): Buffer {
  return Buffer.from(JsonTraceSerializer.serializeRequest(spans) ?? []);
}

export function hrTime(ms: number): [number, number] {
  return [Math.floor(ms / 1000), Math.round((ms % 1000) * 1e6)];
}
