import { encodeEntry } from "./record.ts";
import type { SpoolTicket } from "./spool-ticket.ts";

/** A span that waits to be written. */
export interface WaitingSpan {
  readonly kind: "span" | "open";
  readonly ticket: SpoolTicket;
  readonly encode: () => Buffer | undefined;
}

/** The bytes of one write, and where in them the spans are. */
export interface EncodedWrite {
  readonly bytes: Buffer;
  readonly places: readonly { ticket: SpoolTicket; isOpen: boolean; start: number; end: number }[];
  /** Spans that cannot be encoded. */
  readonly unencodable: readonly SpoolTicket[];
  /** Did not fit any more. */
  readonly rest: readonly WaitingSpan[];
}

/**
 * Encodes what is to be written in one go. Beyond `maxBytes` nothing more is taken: a segment much larger than the others
 * would take too much with it when it has to go.
 */
export function encodeWrite(
  settledIds: readonly bigint[],
  waiting: readonly WaitingSpan[],
  maxBytes: number,
): EncodedWrite {
  const parts: Buffer[] = settledIds.map((id) => encodeEntry({ kind: "settled", id }));
  let size = parts.reduce((sum, part) => sum + part.length, 0);
  const places: { ticket: SpoolTicket; isOpen: boolean; start: number; end: number }[] = [];
  const unencodable: SpoolTicket[] = [];
  let taken = 0;
  for (; taken < waiting.length && size <= maxBytes; taken++) {
    const next = waiting[taken];
    if (next === undefined) break;
    const { kind, ticket, encode } = next;
    const payload = encode();
    if (payload === undefined) {
      unencodable.push(ticket);
      continue;
    }
    const entry = encodeEntry({ kind, id: ticket.id, closes: ticket.closes?.id ?? 0n, payload });
    places.push({ ticket, isOpen: kind === "open", start: size, end: size + entry.length });
    parts.push(entry);
    size += entry.length;
  }
  return { bytes: Buffer.concat(parts), places, unencodable, rest: waiting.slice(taken) };
}
