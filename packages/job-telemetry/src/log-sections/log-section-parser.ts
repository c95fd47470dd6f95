import type { LogSectionEvent } from "./log-section-event.ts";
import { MarkerScanner } from "./marker-scanner.ts";
import { isLineHeader, lineHeaderBytes, TimestampedLines } from "./timestamped-lines.ts";

/** Finds the section markers in a job log as it is written. */
export interface LogSectionParser {
  /**
   * @param chunk the next bytes of the log, cut anywhere. They are not kept.
   * @returns the markers that are complete with it, in the order of the log; mostly none.
   */
  push(chunk: Uint8Array): readonly LogSectionEvent[];
}

export interface LogSectionParserOptions {
  /**
   * `raw`: what a script prints. `timestamped`: each line with the 32-byte header of runner-protocol.md §2.4.4. `detect`
   * (default): whichever the first line is.
   */
  readonly format?: "raw" | "timestamped" | "detect";
}

const noEvents: readonly LogSectionEvent[] = Object.freeze([]);

/**
 * A parser for one job log. It tells what it sees: markers that do not balance are the reader's business
 * (`StageSpan.recordSection` copes with them), and what is not quite a marker is text. Memory is bounded (some 1 KiB a
 * stream, and a log has at most 512 streams), whatever the log.
 *
 * Rule: runner-protocol.md §2.4.2 and §2.4.4.
 */
export function createLogSectionParser({ format = "detect" }: LogSectionParserOptions = {}): LogSectionParser {
  if (format === "raw") return rawParser();
  return format === "timestamped" ? timestampedParser() : detectingParser();
}

function rawParser(): LogSectionParser {
  const scanner = new MarkerScanner();
  return {
    push(chunk) {
      let events: LogSectionEvent[] | undefined;
      scanner.push(asBuffer(chunk), (event) => {
        events ??= [];
        events.push(event);
      });
      return events ?? noEvents;
    },
  };
}

function timestampedParser(): LogSectionParser {
  const lines = new TimestampedLines();
  const scannerByStream = new Map<string, MarkerScanner>();
  return {
    push(chunk) {
      const events: LogSectionEvent[] = [];
      lines.push(asBuffer(chunk), (stream, bytes) => {
        const scanner = scannerByStream.get(stream) ?? new MarkerScanner();
        scannerByStream.set(stream, scanner);
        scanner.push(bytes, (event) => events.push(event));
      });
      return events;
    },
  };
}

function detectingParser(): LogSectionParser {
  let head: Buffer = Buffer.alloc(0);
  let parser: LogSectionParser | undefined;
  return {
    push(chunk) {
      if (parser !== undefined) return parser.push(chunk);
      head = Buffer.concat([head, chunk]);
      if (head.length < lineHeaderBytes && couldBeginWithDate(head)) return noEvents;
      parser = isLineHeader(head.subarray(0, lineHeaderBytes)) ? timestampedParser() : rawParser();
      return parser.push(head);
    },
  };
}

/** Only digits and what stands between them in a date: a script's first line is told at its first letter. */
function couldBeginWithDate(head: Buffer): boolean {
  return /^[\dTZ:. -]*[0-9a-f]{0,2}[OE]?\+?$/.test(head.toString("latin1"));
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
