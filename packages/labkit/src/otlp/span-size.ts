import type { Attributes, AttributeValue } from "@opentelemetry/api";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";

/** Ids, times, kind, status and counters of a span in protobuf. */
const fixedSpanBytes = 120;
const perAttributeBytes = 12;

/**
 * Estimates a span's size on the wire, from the lengths of its texts; resource and scope, which a batch shares, are left
 * out. Text beyond ASCII is underestimated by up to a factor of three, which the bounds leave room for.
 */
export function estimateSpanBytes(span: ReadableSpan): number {
  let bytes = fixedSpanBytes + span.name.length + (span.status.message?.length ?? 0) + attributesBytes(span.attributes);
  for (const event of span.events) bytes += fixedSpanBytes / 4 + event.name.length + attributesBytes(event.attributes);
  for (const link of span.links) bytes += fixedSpanBytes / 2 + attributesBytes(link.attributes);
  return bytes;
}

function attributesBytes(attributes: Attributes | undefined): number {
  let bytes = 0;
  for (const key in attributes) bytes += perAttributeBytes + key.length + valueBytes(attributes[key]);
  return bytes;
}

function valueBytes(value: AttributeValue | undefined): number {
  if (typeof value === "string") return value.length;
  if (!Array.isArray(value)) return 8;
  return value.reduce((sum: number, item) => sum + 4 + (typeof item === "string" ? item.length : 8), 0);
}
