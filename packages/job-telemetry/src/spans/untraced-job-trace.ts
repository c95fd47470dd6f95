import type { JobTrace, LeafSpan, StageSpan } from "./job-trace.ts";

const nothing: Readonly<Record<string, string>> = Object.freeze({});

/** A command or section that nobody traces. */
export const untracedLeaf: LeafSpan = { spanId: undefined, end() {} };

/** A stage or function that nobody traces. */
export const untracedSpan: StageSpan = {
  spanId: undefined,
  traceparent: undefined,
  environment: nothing,
  setAttributes() {},
  startCommand: () => untracedLeaf,
  startSection: () => untracedLeaf,
  recordSection() {},
  startChild: () => untracedSpan,
  startFunction: () => untracedSpan,
  end() {},
};

/** The trace of a job that is not traced: the job runs as if telemetry did not exist. */
export const untracedJobTrace: JobTrace = {
  traceId: undefined,
  spanId: undefined,
  setAttributes() {},
  addSecrets() {},
  startStage: () => untracedSpan,
  startFunction: () => untracedSpan,
  end() {},
  stats: () => ({ spans: 0, droppedSpans: 0, truncatedValues: 0, maskedValues: 0, faults: 0 }),
  [Symbol.dispose]() {},
};
