import {
  createSpanClock,
  defaultTelemetryPolicy,
  type JobTrace,
  type JobTraceOptions,
  startJobTrace,
  type UnixNano,
} from "@jobscope/job-telemetry";
import { createMasker, type Log, type LogFields, silentLog } from "@jobscope/labkit";
import type { ReadableSpan, SpanProcessor } from "@opentelemetry/sdk-trace";

export const traceId = "000000000000000000000000000004d2";
export const parentSpanId = "00f067aa0ba902b7";
export const secret = "correct-horse-battery";

/** When the clock of every test job begins. */
export const beginning: UnixNano = 1_755_820_800_000_000_000n;

/** A job being traced, with all that a test looks at. */
export interface TestJob {
  readonly trace: JobTrace;
  /** In the order of their starts and of their ends. */
  readonly started: ReadableSpan[];
  readonly ended: ReadableSpan[];
  /** The only ended span of that name. */
  span(name: string): ReadableSpan;
  pass(milliseconds: number): void;
  readonly logged: { message: string; fields: LogFields | undefined }[];
}

type Overrides = Partial<Omit<JobTraceOptions, "policy" | "job" | "runner">> & {
  readonly policy?: Partial<JobTraceOptions["policy"]>;
  readonly job?: Partial<JobTraceOptions["job"]>;
  readonly runner?: Partial<JobTraceOptions["runner"]>;
};

export function startTestJob(overrides: Overrides = {}): TestJob {
  const { policy, job, runner, spanProcessors = [], ...rest } = overrides;
  const recorder = createRecorder();
  const time = { monotonic: 0n };
  const logged: TestJob["logged"] = [];
  const trace = startJobTrace({
    context: { traceId, parentSpanId },
    coordinatorUrl: "https://gitlab.example.com",
    masker: createMasker({ phrases: [secret] }),
    log: recordingLog(logged),
    clock: createSpanClock({ wallNow: () => beginning + time.monotonic, monotonicNow: () => time.monotonic }),
    ...rest,
    policy: { ...defaultTelemetryPolicy, ...policy },
    job: { jobId: 4711, projectId: 7, pipelineId: "1234", pipelineSource: "push", ...job },
    runner: { id: 3, executor: "shell", systemId: "s_0123456789ab", version: "1.2.3", ...runner },
    spanProcessors: [...spanProcessors, recorder.processor],
  });
  return {
    trace,
    started: recorder.started,
    ended: recorder.ended,
    logged,
    pass(milliseconds) {
      time.monotonic += BigInt(Math.round(milliseconds * 1_000_000));
    },
    span(name) {
      const [span, ...more] = recorder.ended.filter((each) => each.name === name);
      if (span === undefined || more.length > 0)
        throw new Error(`${more.length + (span ? 1 : 0)} spans are named ${name}`);
      return span;
    },
  };
}

export function nanos([seconds, nanoseconds]: readonly [number, number]): UnixNano {
  return BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds);
}

function createRecorder() {
  const started: ReadableSpan[] = [];
  const ended: ReadableSpan[] = [];
  const processor: SpanProcessor = {
    onStart: (span) => void started.push(span),
    onEnd: (span) => void ended.push(span),
    forceFlush: async () => {},
    shutdown: async () => {},
  };
  return { started, ended, processor };
}

function recordingLog(logged: TestJob["logged"]): Log {
  const log: Log = {
    ...silentLog,
    warn: (message, fields) => void logged.push({ message, fields }),
    error: (message, fields) => void logged.push({ message, fields }),
    child: () => log,
  };
  return log;
}
