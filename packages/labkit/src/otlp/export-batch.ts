import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import type { EncodedRequest } from "./transport.ts";

/** The spans of one request. Encoded once, however often it is sent. */
export interface ExportBatch {
  readonly spans: readonly ReadableSpan[];
  readonly request: EncodedRequest;
  /** Monotonic clock; when it was first taken to be sent. */
  readonly createdAtMs: number;
}

/** `unencodable`: how many spans had to be left out, because of attribute values that OTLP cannot express, say. */
export interface EncodedBatch {
  readonly batch: ExportBatch | undefined;
  readonly unencodable: number;
}

/** Encodes a request. One span that cannot be encoded must not take the others with it. */
export function encodeBatch(spans: readonly ReadableSpan[], createdAtMs: number): EncodedBatch {
  const body = tryEncode(spans);
  if (body !== undefined) return { batch: { spans, request: { body }, createdAtMs }, unencodable: 0 };
  const good = spans.filter((span) => tryEncode([span]) !== undefined);
  const goodBody = good.length === 0 ? undefined : tryEncode(good);
  if (goodBody === undefined) return { batch: undefined, unencodable: spans.length };
  return {
    batch: { spans: good, request: { body: goodBody }, createdAtMs },
    unencodable: spans.length - good.length,
  };
}

function tryEncode(spans: readonly ReadableSpan[]): Uint8Array | undefined {
  try {
    return ProtobufTraceSerializer.serializeRequest([...spans]);
  } catch {
    return undefined;
  }
}
