import type { OtlpAttribute, OtlpResourceSpans, OtlpScopeSpans, OtlpSpan } from "../receive/otlp-model.ts";
import type { SpanKindWord, SpanStatusWord } from "../stored-trace.ts";
import { attributeText } from "./attribute-text.ts";

/** Attributes as columns want them: keys, and values at the same places. Rows of one resource share one object. */
export interface AttributeColumns {
  readonly keys: readonly string[];
  readonly values: readonly string[];
}

/** An element of the `Events` columns. */
export interface EventRow {
  readonly timestamp: bigint;
  readonly name: string;
  readonly attributes: AttributeColumns;
}

/** An element of the `Links` columns. */
export interface LinkRow {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceState: string;
  readonly attributes: AttributeColumns;
}

/** A row of `otel_traces`, column by column in the table's order (telemetry.md §7). */
export interface SpanRow {
  /** Nanoseconds since the Unix epoch. */
  readonly timestamp: bigint;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for a root. */
  readonly parentSpanId: string;
  readonly traceState: string;
  readonly spanName: string;
  readonly spanKind: SpanKindWord;
  readonly serviceName: string;
  readonly resourceAttributes: AttributeColumns;
  readonly scopeName: string;
  readonly scopeVersion: string;
  readonly spanAttributes: AttributeColumns;
  /** Nanoseconds; 0 when the span ends before it starts. */
  readonly duration: bigint;
  readonly statusCode: SpanStatusWord;
  readonly statusMessage: string;
  readonly events: readonly EventRow[];
  readonly links: readonly LinkRow[];
}

/** The rows of one request, and how many of its spans can never be stored because an id is invalid. */
export interface RequestRows {
  readonly rows: readonly SpanRow[];
  readonly rejectedSpans: number;
}

const kinds: readonly SpanKindWord[] = ["Unspecified", "Internal", "Server", "Client", "Producer", "Consumer"];
const statuses: readonly SpanStatusWord[] = ["Unset", "Ok", "Error"];
/** The last moment that DateTime64(9) can hold: its nanoseconds are a signed 64-bit number. */
const lastUnixNano = (1n << 63n) - 1n;

/**
 * Makes rows of received spans, as the OpenTelemetry Collector's ClickHouse exporter would (telemetry.md §7).
 *
 * A span without a valid trace id (16 bytes, not all zero) or span id (8 bytes, not all zero) gives no row: OTLP calls
 * it invalid, and nothing could ever find it.
 */
export function spanRows(request: readonly OtlpResourceSpans[]): RequestRows {
  const rows: SpanRow[] = [];
  let rejectedSpans = 0;
  for (const resourceSpans of request) {
    const resource = attributeColumns(resourceSpans.attributes);
    const serviceName = resource.values[resource.keys.indexOf("service.name")] ?? "";
    for (const scope of resourceSpans.scopeSpans) {
      for (const span of scope.spans) {
        if (hasValidIds(span)) rows.push(spanRow(span, scope, resource, serviceName));
        else rejectedSpans += 1;
      }
    }
  }
  return { rows, rejectedSpans };
}

function spanRow(
  span: OtlpSpan,
  scope: OtlpScopeSpans,
  resourceAttributes: AttributeColumns,
  serviceName: string,
): SpanRow {
  const { startUnixNano, endUnixNano } = span;
  return {
    timestamp: storableTime(startUnixNano),
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: isZero(span.parentSpanId) ? "" : span.parentSpanId,
    traceState: span.traceState,
    spanName: span.name,
    spanKind: kinds[span.kind] ?? "Unspecified",
    serviceName,
    resourceAttributes,
    scopeName: scope.scopeName,
    scopeVersion: scope.scopeVersion,
    spanAttributes: attributeColumns(span.attributes),
    duration: endUnixNano > startUnixNano ? endUnixNano - startUnixNano : 0n,
    statusCode: statuses[span.statusCode] ?? "Unset",
    statusMessage: span.statusMessage,
    events: span.events.map((event) => ({
      timestamp: storableTime(event.timeUnixNano),
      name: event.name,
      attributes: attributeColumns(event.attributes),
    })),
    links: span.links.map((link) => ({ ...link, attributes: attributeColumns(link.attributes) })),
  };
}

const noAttributes: AttributeColumns = { keys: [], values: [] };

/** The last of two attributes with one key counts, as in the Collector. */
function attributeColumns(attributes: readonly OtlpAttribute[]): AttributeColumns {
  if (attributes.length === 0) return noAttributes;
  const keys: string[] = [];
  const values: string[] = [];
  for (const { key, value } of attributes) {
    const known = keys.indexOf(key);
    if (known < 0) {
      keys.push(key);
      values.push(attributeText(value));
    } else values[known] = attributeText(value);
  }
  return { keys, values };
}

function hasValidIds({ traceId, spanId }: OtlpSpan): boolean {
  return traceId.length === 32 && spanId.length === 16 && !isZero(traceId) && !isZero(spanId);
}

function isZero(id: string): boolean {
  return /^0*$/.test(id);
}

function storableTime(unixNano: bigint): bigint {
  return unixNano > lastUnixNano ? lastUnixNano : unixNano;
}
