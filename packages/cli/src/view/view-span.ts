/**
 * A span as the views know it, wherever it came from: live from a span processor, or read back from the store.
 * Attribute values are text, as the store keeps them (telemetry.md §7).
 */
export interface ViewSpan {
  /** 32 lower-case hex digits. */
  readonly traceId: string;
  /** 16 lower-case hex digits. */
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  /** Nanoseconds since the epoch. */
  readonly startUnixNano: bigint;
  /** `undefined` while the span is open. */
  readonly endUnixNano: bigint | undefined;
  readonly status: "unset" | "ok" | "error";
  /** One line, empty when there is nothing to say. */
  readonly statusMessage: string;
  readonly attributes: Readonly<Record<string, string>>;
}
