import type { SpanAttributes, StageSpan } from "@jobscope/job-telemetry";
import { JobFailure } from "../job-failure.ts";
import { JobInterruption } from "../job-interruption.ts";
import type { JobRun } from "../job-run.ts";
import { isUnexpected, verdictOf } from "../verdict-of.ts";

export interface StageFrame {
  /** GitLab's name of the stage, also of its log section. */
  readonly name: string;
  readonly heading: string;
  readonly signal: AbortSignal;
}

/**
 * Runs one build stage inside its log section. When the signal is aborted already, nothing is written.
 *
 * @throws the signal's reason when it was aborted, else what `body` throws.
 *
 * Rule: runner-protocol.md §2.1, §2.2.
 */
export async function runStage(
  run: Pick<JobRun, "lines" | "flags" | "options">,
  frame: StageFrame,
  body: () => Promise<void>,
): Promise<void> {
  const { name, heading, signal } = frame;
  signal.throwIfAborted();
  const startedMs = performance.now();
  const isMetered = run.flags.FF_EXPORT_HIGH_CARDINALITY_METRICS;
  run.options.onStage?.({ name, durationS: undefined, isMetered });
  run.lines.startSection(name, heading);
  try {
    await body();
    // What ended in its last moment has still been told to end.
    signal.throwIfAborted();
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    run.lines.endSection(name);
    run.options.onStage?.({ name, durationS: (performance.now() - startedMs) / 1000, isMetered });
    if (isTimeout(signal)) run.lines.warning(timeoutWarning(name));
  }
}

function isTimeout(signal: AbortSignal): boolean {
  return signal.aborted && signal.reason instanceof JobInterruption && signal.reason.by === "timeout";
}

/** Wording: runner-protocol.md §2.2. */
function timeoutWarning(subject: string): string {
  return (
    `${subject} could not run to completion because the timeout was exceeded. ` +
    "For more control over job and script timeouts see: " +
    "https://docs.gitlab.com/ci/runners/configure_runners/#set-script-and-after_script-timeouts"
  );
}

export interface TracedStage {
  /** The span's name of telemetry.md §2. */
  readonly name: string;
  /** The exact build stage, where it differs. */
  readonly stageName?: string;
  readonly attempt?: number;
  readonly attributes?: SpanAttributes;
}

/** Runs something in a stage span of its own, which ends as it does. */
export async function traceStage<Result>(
  run: Pick<JobRun, "options">,
  stage: TracedStage,
  body: (span: StageSpan) => Promise<Result>,
): Promise<Result> {
  const span = run.options.jobTrace.startStage(stage);
  try {
    const result = await body(span);
    span.end({ status: "success" });
    return result;
  } catch (error) {
    endFailed(span, error);
    throw error;
  }
}

/** Ends a span with what was thrown in its time. */
export function endFailed(span: Pick<StageSpan, "end">, thrown: unknown): void {
  const { failureReason, message, exitCode, interruptedBy } = verdictOf(thrown);
  if (interruptedBy !== undefined && interruptedBy !== "timeout") span.end({ status: "canceled", message, exitCode });
  else {
    const error = isUnexpected(thrown) && thrown instanceof Error ? thrown : undefined;
    span.end({ status: "failed", errorType: failureReason, message, exitCode, error });
  }
}

/** The failure of a stage whose script, or whose work in its place, ended with an exit code. */
export function scriptFailure({ options }: Pick<JobRun, "options">, exitCode: number): JobFailure {
  return new JobFailure(`exit ${options.executor.exitWord} ${exitCode}`, { reason: "script_failure", exitCode });
}
