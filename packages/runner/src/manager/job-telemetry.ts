import {
  type JobTrace,
  negotiate,
  notedEndpoints,
  noteOfEndpoint,
  type SpanClock,
  startJobTrace,
  type TelemetryPolicy,
  untracedJobTrace,
} from "@jobscope/job-telemetry";
import {
  createSpanProcessor,
  type EndpointPool,
  type EndpointSpec,
  type Log,
  type Masker,
  type TelemetryEndpoint,
} from "@jobscope/labkit";
import type { RunnerConfig } from "../config/runner-config.ts";
import type { TelemetryConfig } from "../config/telemetry-config.ts";
import type { Job } from "../coordinator-client/job.ts";
import { runnerVersion } from "../runner-version.ts";
import { jobFacts } from "./job-facts.ts";
import { createOfflineTrace, type OfflineTrace } from "./offline-trace.ts";
import type { SpanProcessor } from "./span-processor.ts";
import { traceLine } from "./trace-line.ts";

export interface JobTelemetryOptions {
  readonly config: TelemetryConfig;
  /** Shared by all jobs of the process. */
  readonly pool: EndpointPool;
  /** See all spans beside the endpoints: a terminal view. */
  readonly spanProcessors: readonly SpanProcessor[];
  readonly clock: SpanClock;
  readonly systemId: string;
  readonly log: Log;
}

/** Opens the trace of each job as its payload and the operator's policy agree. */
export interface JobTelemetry {
  readonly commandSpans: boolean;
  /** Resolves, soon, when all is known that a killed runner had not yet sent. Never rejects. */
  readonly whatWasLeft: Promise<void>;
  /** Never throws: a job whose telemetry cannot be had runs untraced, with one line in the runner log. */
  startTrace(of: TracedJob): StartedTrace;
}

/** The trace of one job, and what else is done with it. */
export interface StartedTrace {
  readonly jobTrace: JobTrace;
  /** For the job log; undefined: nothing is said there. */
  readonly logLine: string | undefined;
  /** To be uploaded once the trace has ended; undefined: its spans go to endpoints, or nowhere. */
  readonly offline: OfflineTrace | undefined;
}

export interface TracedJob {
  readonly job: Job;
  readonly runner: RunnerConfig;
  readonly log: Log;
  /** Of this job; it learns the secrets that come up as the job runs, whether it is traced or not. */
  readonly masker: Masker;
  readonly coordinatorUrl: string;
}

/** What a killed runner had not yet sent begins to go out at once. */
export function createJobTelemetry(options: JobTelemetryOptions): JobTelemetry {
  const { policy } = options.config;
  if (policy.mode !== "off") {
    for (const spec of policy.staticEndpoints) usableEndpoint(spec, policy, options);
  }
  return {
    whatWasLeft: sendWhatWasLeft(options),
    commandSpans: policy.commandSpans,
    startTrace(of) {
      try {
        return startNegotiatedTrace(of, options);
      } catch (error) {
        of.log.warn("job runs untraced: its telemetry could not be set up", { err: error });
        return untraced(of);
      }
    },
  };
}

/** Asks for the endpoints that payloads had named to a runner that did not live to send all it had for them. */
async function sendWhatWasLeft({ config, pool, spanProcessors, log }: JobTelemetryOptions): Promise<void> {
  const policy: TelemetryPolicy = { ...config.policy, hasLocalViewer: spanProcessors.length > 0 };
  const { endpoints, warnings } = notedEndpoints(await pool.notesOfUnsent(), policy);
  for (const { message, fields } of warnings) log.warn(message, fields);
  for (const spec of endpoints) usableEndpoint(spec, policy, { pool, log });
}

/** The secrets of an untraced job are still for the runner log to know. */
function untraced({ masker }: TracedJob): StartedTrace {
  const addSecrets = (phrases: readonly string[]) => void masker.add(phrases);
  return { jobTrace: { ...untracedJobTrace, addSecrets }, logLine: undefined, offline: undefined };
}

function startNegotiatedTrace(of: TracedJob, options: JobTelemetryOptions) {
  const { job, runner, log, masker, coordinatorUrl } = of;
  const { config, pool, clock, systemId } = options;
  const hasLocalViewer = options.spanProcessors.length > 0 || config.offlineArtifact;
  const policy: TelemetryPolicy = { ...config.policy, hasLocalViewer };
  const negotiation = negotiate(job.rawPayload, policy);
  for (const { message, fields } of negotiation.warnings) log.warn(message, fields);
  if (negotiation.kind === "untraced") {
    if (negotiation.warn) log.warn("job runs untraced", { why: negotiation.why });
    return untraced(of);
  }
  const endpoints = negotiation.endpoints.flatMap((spec) => usableEndpoint(spec, policy, { pool, log }));
  const offline = config.offlineArtifact && endpoints.length === 0 ? createOfflineTrace() : undefined;
  const jobTrace = startJobTrace({
    context: negotiation,
    policy,
    coordinatorUrl,
    job: jobFacts(job),
    runner: {
      id: runner.runnerId,
      executor: runner.executor,
      description: runner.name,
      systemId,
      tags: runnerTags(job),
      version: runnerVersion,
    },
    masker,
    spanProcessors: [
      createSpanProcessor(endpoints),
      ...options.spanProcessors,
      ...(offline === undefined ? [] : [offline.processor]),
    ],
    log,
    clock,
  });
  return { jobTrace, logLine: traceLine(jobTrace, job, config), offline };
}

/** One that cannot be used, for want of credentials say, takes nothing from the others. */
function usableEndpoint(
  spec: EndpointSpec,
  policy: Pick<TelemetryPolicy, "staticEndpoints">,
  { pool, log }: Pick<JobTelemetryOptions, "pool" | "log">,
): TelemetryEndpoint[] {
  const note = noteOfEndpoint(spec, policy);
  try {
    return [pool.endpoint(spec, note === undefined ? {} : { note })];
  } catch (error) {
    log.warn("a telemetry endpoint is left out", { err: error });
    return [];
  }
}

/** `CI_RUNNER_TAGS` is a list in JSON, or in older GitLabs separated by commas. */
function runnerTags(job: Job): readonly string[] | undefined {
  const value = job.variables.findLast(({ key }) => key === "CI_RUNNER_TAGS")?.value.trim() ?? "";
  if (value === "") return undefined;
  const texts = value.replace(/^\[|\]$/g, "").split(",");
  const tags = texts.map((text) => text.trim().replace(/^"|"$/g, "")).filter((tag) => tag !== "");
  return tags.length === 0 ? undefined : tags;
}
