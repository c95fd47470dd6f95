import { createSpanClock, defaultTelemetryPolicy, type JobTrace, startJobTrace } from "@jobscope/job-telemetry";
import { createMasker, silentLog } from "@jobscope/labkit";

/** A span as a test looks at it. */
export interface SeenSpan {
  readonly name: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** `unset`, `ok`, `error`. */
  readonly status: string;
  readonly message: string | undefined;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
}

export interface RecordedTrace {
  readonly jobTrace: JobTrace;
  /** Ended spans, in the order of their ends. */
  readonly spans: readonly SeenSpan[];
  /** Ended spans of one name. */
  named(name: string): readonly SeenSpan[];
}

const statusNames = ["unset", "ok", "error"];

/** A real trace whose spans a test can look at. */
export function aTrace(
  options: { readonly commandSpans?: boolean; readonly phrases?: readonly string[] } = {},
): RecordedTrace {
  const spans: SeenSpan[] = [];
  const jobTrace = startJobTrace({
    context: { traceId: "0000000000000000000000000000004d", parentSpanId: undefined },
    policy: { ...defaultTelemetryPolicy, commandSpans: options.commandSpans ?? false },
    coordinatorUrl: "http://127.0.0.1:1",
    job: { jobId: 42, projectId: 7, pipelineId: "77" },
    runner: { id: 3, executor: "shell", systemId: "s_0123456789ab", version: "19.4.0" },
    masker: createMasker({ phrases: options.phrases ?? [] }),
    spanProcessors: [
      {
        onStart() {},
        onEnd(span) {
          spans.push({
            name: span.name,
            attributes: span.attributes,
            status: statusNames[span.status.code] ?? "",
            message: span.status.message,
            spanId: span.spanContext().spanId,
            parentSpanId: span.parentSpanContext?.spanId,
          });
        },
        forceFlush: async () => {},
        shutdown: async () => {},
      },
    ],
    log: silentLog,
    clock: createSpanClock(),
  });
  return { jobTrace, spans, named: (name) => spans.filter((span) => span.name === name) };
}
