import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import type { SpoolTicket } from "./spool/spool-ticket.ts";
import type { EncodedRequest } from "./transport.ts";

/** A span in a request: from memory, or in its encoded form from the spool. */
export type BatchItem =
  | { readonly kind: "live"; readonly span: ReadableSpan; readonly ticket: SpoolTicket | undefined }
  | { readonly kind: "stored"; readonly payload: Uint8Array; readonly ticket: SpoolTicket };

/** One request. Encoded once, however often it is sent. */
export interface ExportBatch {
  readonly items: readonly BatchItem[];
  readonly request: EncodedRequest;
  /** Monotonic clock; when it was first taken to be sent. */
  readonly createdAtMs: number;
}

/** `unencodable`: what had to be left out, because of attribute values that OTLP cannot express, say. */
export interface EncodedBatch {
  readonly batch: ExportBatch | undefined;
  readonly unencodable: readonly BatchItem[];
}

/** Encodes a request. One span that cannot be encoded must not take the others with it. */
export function encodeBatch(items: readonly BatchItem[], createdAtMs: number): EncodedBatch {
  const body = tryEncode(items);
  if (body !== undefined) return { batch: { items, request: { body }, createdAtMs }, unencodable: [] };
  const good = items.filter((item) => tryEncode([item]) !== undefined);
  const goodBody = good.length === 0 ? undefined : tryEncode(good);
  if (goodBody === undefined) return { batch: undefined, unencodable: items };
  return {
    batch: { items: good, request: { body: goodBody }, createdAtMs },
    unencodable: items.filter((item) => !good.includes(item)),
  };
}

/** A single span as a request of its own, for the spool. Undefined when it cannot be encoded. */
export function encodeSpan(span: ReadableSpan): Buffer | undefined {
  const body = tryEncode([{ kind: "live", span, ticket: undefined }]);
  return body === undefined ? undefined : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
}

/** Requests of protobuf's kind are put together by putting their bytes behind each other. */
function tryEncode(items: readonly BatchItem[]): Uint8Array | undefined {
  const spans = items.flatMap((item) => (item.kind === "live" ? [item.span] : []));
  const payloads = items.flatMap((item) => (item.kind === "stored" ? [item.payload] : []));
  try {
    const encoded = spans.length === 0 ? undefined : ProtobufTraceSerializer.serializeRequest(spans);
    if (payloads.length === 0) return encoded;
    return Buffer.concat(encoded === undefined ? payloads : [encoded, ...payloads]);
  } catch {
    return undefined;
  }
}
