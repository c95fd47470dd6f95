import type { Masker } from "@jobscope/labkit";
import { createTraceState, type SpanContext } from "@opentelemetry/api";
import type { SpanAttributes } from "../attributes.ts";
import { childSpanId, jobSpanId } from "../ids.ts";
import { FaultGuard } from "./fault-guard.ts";
import { guardProcessor } from "./guarded-processor.ts";
import { identityAttributes, jobAttributes } from "./job-attributes.ts";
import { jobResource } from "./job-resource.ts";
import type {
  FunctionOptions,
  FunctionSpan,
  JobTrace,
  JobTraceStats,
  JobVerdict,
  StageOptions,
  StageSpan,
} from "./job-trace.ts";
import type { JobTraceOptions } from "./job-trace-options.ts";
import { SpanBudget } from "./span-budget.ts";
import { type JobSpans, SpanNode } from "./span-node.ts";
import { SpanValues } from "./span-values.ts";
import { SpanWriter } from "./span-writer.ts";
import { functionNode, type TracedJobContext, TracedSpan } from "./traced-span.ts";
import { untracedJobTrace, untracedSpan } from "./untraced-job-trace.ts";
import { verdictAttributes, verdictOutcome } from "./verdict-attributes.ts";

/**
 * Opens `job_execution` and gives the trace that all other spans of the job are opened on. Takes well under a
 * millisecond; never throws: if it cannot be, the runner log says so and the job is not traced.
 *
 * Rule: telemetry.md §2.
 */
export function startJobTrace(options: JobTraceOptions): JobTrace {
  const guard = new FaultGuard(options.log);
  return guard.run("starting a job's trace", () => new TracedJob(options, guard), untracedJobTrace);
}

class TracedJob implements JobTrace {
  readonly traceId: string;
  readonly spanId: string;
  readonly #context: TracedJobContext;
  readonly #masker: Masker;
  readonly #values: SpanValues;
  readonly #root: SpanNode;
  #prepareExecutor: SpanContext | undefined;

  constructor(options: JobTraceOptions, guard: FaultGuard) {
    const { job, runner, policy, context } = options;
    this.#masker = options.masker;
    this.#values = new SpanValues(options.masker, guard);
    this.#context = { spans: jobSpans(options, this.#values, guard), policy };
    this.traceId = context.traceId;
    this.spanId = jobSpanId({ coordinatorUrl: options.coordinatorUrl, jobId: job.jobId });
    this.#root = SpanNode.root(this.#context.spans, {
      spanId: this.spanId,
      parentSpanId: context.parentSpanId,
      attributes: jobAttributes(job, runner, policy.semconv),
      startedAt: options.startedAt,
    });
  }

  setAttributes(attributes: SpanAttributes): void {
    this.#context.spans.guard.run("setting attributes", () => this.#root.setAttributes(attributes), undefined);
  }

  addSecrets(phrases: readonly string[]): void {
    this.#context.spans.guard.run("adding secrets", () => void this.#masker.add(phrases), undefined);
  }

  startStage(options: StageOptions): StageSpan {
    return this.#context.spans.guard.run("opening a stage span", () => this.#openStage(options), untracedSpan);
  }

  startFunction(options: FunctionOptions): FunctionSpan {
    const open = () => this.#tracedSpan(this.#root.open(functionNode(options, 0)), 1);
    return this.#context.spans.guard.run("opening a function span", open, untracedSpan);
  }

  end(verdict: JobVerdict): void {
    this.#context.spans.guard.run("ending a job's trace", () => this.#end(verdict), undefined);
  }

  stats(): JobTraceStats {
    const { spans } = this.#context;
    return {
      spans: spans.budget.spans,
      droppedSpans: spans.budget.dropped,
      truncatedValues: this.#values.truncatedValues,
      maskedValues: this.#values.maskedValues,
      faults: spans.guard.faults,
    };
  }

  [Symbol.dispose](): void {
    const message = "the job was given up before its end was known";
    this.end({ status: "failed", failureReason: "runner_system_failure", message });
  }

  #openStage({ name, stageName = name, attempt = 1, attributes = {}, startedAt }: StageOptions): StageSpan {
    const own = this.#root.open({
      role: "stage",
      name,
      attributes: { ...attributes, "ci.stage.name": stageName, "ci.stage.attempt": attempt },
      startedAt,
      // By the original plan a child of job_execution, though it happens in prepare_executor's time: telemetry.md §2.
      links: name === "pull_image" && this.#prepareExecutor !== undefined ? [this.#prepareExecutor] : [],
    });
    if (name === "prepare_executor") this.#prepareExecutor = own?.context;
    return this.#tracedSpan(own, 0);
  }

  #tracedSpan(own: SpanNode | undefined, functionDepth: number): StageSpan {
    return new TracedSpan(this.#context, { own, parent: this.#root, functionDepth });
  }

  #end(verdict: JobVerdict): void {
    this.#root.setAttributes(verdictAttributes(verdict, this.#context.policy.semconv));
    this.#root.end(verdictOutcome(verdict), { lastAttributes: () => this.#countersOfTheJob() });
  }

  #countersOfTheJob(): SpanAttributes {
    return {
      "ci.telemetry.dropped_spans": this.#context.spans.budget.dropped,
      "ci.telemetry.truncated_values": this.#values.truncatedValues,
      "ci.telemetry.masked_values": this.#values.maskedValues,
    };
  }
}

function jobSpans(options: JobTraceOptions, values: SpanValues, guard: FaultGuard): JobSpans {
  const { job, runner, policy, coordinatorUrl } = options;
  const key = { coordinatorUrl, jobId: job.jobId };
  const writer = new SpanWriter({
    traceId: options.context.traceId,
    traceState: options.traceState === undefined ? undefined : createTraceState(options.traceState),
    resource: jobResource({ serviceName: policy.serviceName, job, runner, values }),
    scopeVersion: values.text(runner.version),
    spanProcessors: options.spanProcessors.map((processor) => guardProcessor(processor, guard)),
    values,
    identity: identityAttributes(job, runner),
  });
  return {
    guard,
    writer,
    timeline: options.clock.timeline(),
    budget: new SpanBudget(policy.maxSpansPerJob),
    hasGenericAttributes: policy.semconv !== "otel",
    childSpanId: (child) => childSpanId(key, child),
  };
}
