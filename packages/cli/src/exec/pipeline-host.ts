import type { Coordinator, Pipeline, PipelinePlan, PipelineRequest } from "@jobscope/coordinator";
import type { Log } from "@jobscope/labkit";
import type { SpanProcessor } from "@opentelemetry/sdk-trace";
import type { CommandContext } from "../context.ts";
import type { Interrupts } from "../interrupts.ts";
import type { CollectorProcess } from "../local-ci/collector-process.ts";
import type { OtlpEndpoint } from "../local-ci/otlp-endpoint.ts";
import type { PreparedOptions } from "./exec-options.ts";

/** What takes the pipeline of an `exec`: parts of this process, or a coordinator that runs already. */
export interface PipelineHost extends AsyncDisposable {
  readonly coordinator: PipelineTaker;
  /** Who runs the jobs, in a few words. */
  readonly runners: string;
  /** Whether jobs run in other processes, whose spans are seen here only once they are stored. */
  readonly isElsewhere: boolean;
  /** Makes what the jobs of a plan need. @throws {CommandError} names the jobs that nobody here can run. */
  prepare(plan: PipelinePlan): Promise<void>;
  /** Lets the jobs be run. Once, after the pipeline was started. */
  begin(): Promise<void>;
  /** Kills what runs here. */
  abort(reason: string): void;
  /** After the pipeline's end: sends what spans there are. Bounded in time. */
  settle(pipelineId: number): Promise<void>;
  /** After its end was shown: waits for what others do here. */
  leave(pipelineId: number, interrupts: Interrupts): Promise<void>;
}

/** The part of a coordinator that `exec` needs. */
export interface PipelineTaker extends Pick<Coordinator, "readJobLog"> {
  planPipeline(request: PipelineRequest): Promise<PipelinePlan>;
  startPipeline(plan: PipelinePlan): Pipeline | Promise<Pipeline>;
}

/** What hosts are made of. */
export interface HostOptions {
  readonly context: CommandContext;
  readonly options: PreparedOptions;
  readonly collector: CollectorProcess | undefined;
  readonly otlpEndpoints: readonly OtlpEndpoint[];
  readonly spanProcessors: readonly SpanProcessor[];
  readonly log: Log;
  /** Aborted when the user wants no more. */
  readonly signal: AbortSignal;
  /** Tells the user something beside the view. */
  readonly note: (text: string) => void;
}
