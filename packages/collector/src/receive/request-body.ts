import type { IncomingMessage } from "node:http";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import type { Reservation } from "./pending-bytes.ts";

const inflate = promisify(gunzip);

/** A body that was read, or why it was not. */
export type BodyOutcome =
  | { readonly kind: "body"; readonly bytes: Buffer }
  | { readonly kind: "too-large" }
  | { readonly kind: "busy" }
  | { readonly kind: "malformed"; readonly message: string };

/** Limits of {@link readBody}. */
export interface BodyLimits {
  /** Of the body as it is sent, and of what it inflates to. */
  readonly maxBytes: number;
  /** Made to hold the body as it arrives. */
  readonly reservation: Reservation;
}

/**
 * Reads a request's body and inflates it when it is gzipped.
 *
 * Nothing is read past a limit: what is announced too large is not read at all, and a small body that inflates to a huge
 * one stops where the limit is.
 */
export async function readBody(request: IncomingMessage, limits: BodyLimits): Promise<BodyOutcome> {
  if (Number(request.headers["content-length"] ?? 0) > limits.maxBytes) return { kind: "too-large" };
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > limits.maxBytes) return { kind: "too-large" };
    if (!limits.reservation.resize(length)) return { kind: "busy" };
    chunks.push(chunk);
  }
  const body = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, length);
  return request.headers["content-encoding"] === "gzip" ? await inflated(body, limits) : { kind: "body", bytes: body };
}

async function inflated(body: Buffer, { maxBytes, reservation }: BodyLimits): Promise<BodyOutcome> {
  let bytes: Buffer;
  try {
    bytes = await inflate(body, { maxOutputLength: maxBytes });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") return { kind: "too-large" };
    return { kind: "malformed", message: "the body is not gzip, as its Content-Encoding says" };
  }
  return reservation.resize(bytes.length) ? { kind: "body", bytes } : { kind: "busy" };
}
