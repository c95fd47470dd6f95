import type { LogSectionEvent } from "./log-section-event.ts";

const nothing: Buffer = Buffer.alloc(0);
const beginning = "section_";
const firstByte = beginning.charCodeAt(0);
const terminator = "\r\u001b[0K";
/** A marker is some 40 bytes; what has not ended by here is text that happens to begin like one. */
const maxMarkerBytes = 1024;

/**
 * A whole marker, as GitLab recognises it: `section_start:1755820800:build_all\r\e[0K`,
 * `section_start:1755820800:tests[collapsed=true, hide_duration=true]\r\e[0K`, `section_end:1755820801:tests\r\e[0K`.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: a marker ends with one
const markerPattern = /^section_(start|end):(\d{1,15}):([A-Za-z0-9_.-]+)(?:\[(\w+=\w+(?:, ?\w+=\w+)*)\])?\r\u001b\[0K$/;
/** What the bytes of a marker before its terminator can be. */
const markerTextPattern = /^[\w:.\-[\]=, ]*$/;

type Look =
  | { readonly kind: "marker"; readonly event: LogSectionEvent; readonly length: number }
  | { readonly kind: "incomplete" }
  | { readonly kind: "text" };

/**
 * Finds section markers in a stream of log bytes without timestamps, wherever its chunks are cut.
 *
 * Keeps less than `maxMarkerBytes` between chunks; a chunk without `section_` costs one `indexOf`.
 */
export class MarkerScanner {
  #carry: Buffer = nothing;

  /** Tells `found` of every marker that is complete with this chunk. The chunk is not kept. */
  push(chunk: Buffer, found: (event: LogSectionEvent) => void): void {
    const bytes = this.#carry.length === 0 ? chunk : Buffer.concat([this.#carry, chunk]);
    const rest = bytes.subarray(scan(bytes, found));
    this.#carry = rest.length === 0 ? nothing : Buffer.from(rest);
  }
}

/** @returns where the bytes begin that may yet become a marker: the number of bytes when there are none. */
function scan(bytes: Buffer, found: (event: LogSectionEvent) => void): number {
  let from = 0;
  for (;;) {
    const at = bytes.indexOf(beginning, from, "latin1");
    if (at === -1) return Math.max(from, startOfCutBeginning(bytes));
    const look = lookAt(bytes.toString("latin1", at, at + maxMarkerBytes));
    if (look.kind === "incomplete") return at;
    if (look.kind === "marker") found(look.event);
    from = at + (look.kind === "marker" ? look.length : beginning.length);
  }
}

/** Where a `section_` begins whose end is in a later chunk. */
function startOfCutBeginning(bytes: Buffer): number {
  // "s" is nowhere in "section_" but at its beginning.
  const at = bytes.lastIndexOf(firstByte);
  if (at !== -1 && beginning.startsWith(bytes.toString("latin1", Math.max(at, bytes.length - beginning.length))))
    return at;
  return bytes.length;
}

/** @param text begins with `section_`; at most `maxMarkerBytes` long, less only at the end of what has come so far. */
function lookAt(text: string): Look {
  const end = text.indexOf("\r");
  if (!markerTextPattern.test(end === -1 ? text : text.slice(0, end))) return { kind: "text" };
  const tail = end === -1 ? "" : text.slice(end, end + terminator.length);
  if (tail.length < terminator.length) {
    const canContinue = text.length < maxMarkerBytes && terminator.startsWith(tail);
    return { kind: canContinue ? "incomplete" : "text" };
  }
  const match = markerPattern.exec(text.slice(0, end + terminator.length));
  return match === null ? { kind: "text" } : { kind: "marker", event: eventOf(match), length: match[0].length };
}

function eventOf([, kind, unixSeconds, name = "", options = ""]: RegExpExecArray): LogSectionEvent {
  const event = { name, unixSeconds: Number(unixSeconds) };
  if (kind === "end") return { kind, ...event };
  const pairs = options
    .split(/, ?/)
    .filter(Boolean)
    .map((pair) => pair.split("=") as [string, string]);
  return { kind: "start", ...event, options: new Map(pairs) };
}
