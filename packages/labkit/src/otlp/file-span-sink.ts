import { rename, rm, writeFile } from "node:fs/promises";
import type { ReadableSpan, SpanProcessor } from "@opentelemetry/sdk-trace";
import { spansToOtlpJson } from "./otlp-json.ts";

export interface FileSpanSinkOptions {
  /** Written as a whole when the sink is shut down; replaced when it exists. */
  readonly path: string;
  /** Later spans are left out. Default 100,000. */
  readonly maxSpans?: number;
}

/** Keeps finished spans and writes them to a file as OTLP JSON. */
export interface FileSpanSink extends SpanProcessor {
  /** Spans that were left out, for want of room. */
  readonly droppedSpans: number;
  /** Writes the file. @throws the file system's error. */
  shutdown(): Promise<void>;
}

export function createFileSpanSink(options: FileSpanSinkOptions): FileSpanSink {
  const maxSpans = options.maxSpans ?? 100_000;
  const spans: ReadableSpan[] = [];
  let droppedSpans = 0;
  return {
    onStart() {},
    onEnd(span) {
      if (spans.length < maxSpans) spans.push(span);
      else droppedSpans++;
    },
    async forceFlush() {},
    async shutdown() {
      await writeWhole(options.path, spansToOtlpJson(spans));
    },
    get droppedSpans() {
      return droppedSpans;
    },
  };
}

/** A reader sees the old file or the new one, never half of it. */
async function writeWhole(path: string, text: string): Promise<void> {
  const partial = `${path}.partial`;
  try {
    await writeFile(partial, text);
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}
