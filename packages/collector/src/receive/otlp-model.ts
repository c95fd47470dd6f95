/**
 * An attribute's value, whatever encoding it came in: string, boolean, double as `number`, int as `bigint`, bytes,
 * array, key-value list; `null` for an AnyValue that holds nothing.
 */
export type OtlpValue =
  | string
  | boolean
  | number
  | bigint
  | Uint8Array
  | null
  | readonly OtlpValue[]
  | ReadonlyMap<string, OtlpValue>;

/** One attribute. */
export interface OtlpAttribute {
  readonly key: string;
  readonly value: OtlpValue;
}

/** An event of a span. */
export interface OtlpEvent {
  readonly timeUnixNano: bigint;
  readonly name: string;
  readonly attributes: readonly OtlpAttribute[];
}

/** A link of a span. */
export interface OtlpLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceState: string;
  readonly attributes: readonly OtlpAttribute[];
}

/** A span as it was received: ids in lower-case hex of whatever length they had, numbers not yet judged. */
export interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceState: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: number;
  readonly startUnixNano: bigint;
  readonly endUnixNano: bigint;
  readonly attributes: readonly OtlpAttribute[];
  readonly events: readonly OtlpEvent[];
  readonly links: readonly OtlpLink[];
  readonly statusCode: number;
  readonly statusMessage: string;
}

/** Spans of one instrumentation scope. */
export interface OtlpScopeSpans {
  readonly scopeName: string;
  readonly scopeVersion: string;
  readonly spans: readonly OtlpSpan[];
}

/** Spans of one resource. */
export interface OtlpResourceSpans {
  readonly attributes: readonly OtlpAttribute[];
  readonly scopeSpans: readonly OtlpScopeSpans[];
}

/** How deep arrays and key-value lists may be nested in one value; deeper ones make a request malformed. */
export const maxValueDepth = 32;

/** A request that is not what OTLP says it must be; the sender must not repeat it (400, INVALID_ARGUMENT). */
export class MalformedRequest extends Error {
  override readonly name = "MalformedRequest";
}
