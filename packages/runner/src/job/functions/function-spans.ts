import type {
  FetchEnd,
  FetchObservation,
  FetchStart,
  StepEnd,
  StepObservation,
  StepObserver,
  StepStart,
} from "@jobscope/functions";
import type { FunctionSpan, SpanOutcome, StageSpan } from "@jobscope/job-telemetry";
import type { JobRun } from "../job-run.ts";
import { endFailed } from "../stages/run-stage.ts";

/**
 * Makes a span of every invocation and of every fetch. Inputs, outputs, environment and commands are not told to it.
 *
 * Rule: telemetry.md §2 "CI Function", §3.
 */
export function traceFunctions(run: JobRun, signal: AbortSignal): StepObserver {
  const spans = new WeakMap<StepObservation, FunctionSpan>();
  return {
    stepStarted(start) {
      const parent = start.parent === undefined ? undefined : spans.get(start.parent);
      const span = (parent ?? run.options.jobTrace).startFunction({
        name: start.name,
        functionName: start.reference,
        version: start.version,
        type: knownType(start),
      });
      run.sectionSpan.current = span;
      const observation: StepObservation = {
        environment: span.environment,
        loaded: ({ type }) => span.setAttributes({ "ci.function.type": type }),
        fetchStarted: (fetch) => traceFetch(span, fetch, signal),
        ended(end) {
          run.sectionSpan.current = parent;
          if (end.status === "cancelled") endFailed(span, signal.reason);
          else span.end(outcomeOf(end));
        },
      };
      spans.set(observation, span);
      return observation;
    },
  };
}

/** Of a step that fails before its definition is read. */
function knownType({ kind }: StepStart): "script" | "builtin" | undefined {
  return kind === "script" || kind === "builtin" ? kind : undefined;
}

/** A command that failed is a failed script to GitLab; other failures have the engine's stable word. */
function outcomeOf({ status, exitCode, error, errorCode }: StepEnd): SpanOutcome {
  if (status === "success") return { status, exitCode };
  const errorType = errorCode === "command_failed" ? "script_failure" : errorCode;
  return { status: "failed", exitCode, errorType, message: error };
}

function traceFetch(step: FunctionSpan, start: FetchStart, signal: AbortSignal): FetchObservation {
  const span = step.startChild({
    name: "fetch_function",
    attributes: {
      "ci.resource.type": "function",
      "ci.resource.operation": "fetch",
      "ci.resource.key": start.version === "" ? start.location : `${start.location}@${start.version}`,
    },
  });
  return { ended: (end) => endFetch(span, end, signal) };
}

function endFetch(span: StageSpan, end: FetchEnd, signal: AbortSignal): void {
  span.setAttributes({ "ci.resource.hit": end.cacheHit, "ci.network.rx_bytes": end.bytes });
  if (end.error === undefined) span.end({ status: "success" });
  else if (signal.aborted) endFailed(span, signal.reason);
  else span.end({ status: "failed", errorType: "fetch_failed", message: end.error });
}
