import type { JobTrace } from "@jobscope/job-telemetry";
import { createMaskedLog, createMasker, type Log } from "@jobscope/labkit";
import type { RemoteCache } from "../cache/remote/remote-cache.ts";
import { parseGoBoolean } from "../config/go-boolean.ts";
import type { RunnerConfig } from "../config/runner-config.ts";
import type { CoordinatorClient } from "../coordinator-client/coordinator-client.ts";
import { reportableFailureReason } from "../coordinator-client/failure-reason.ts";
import type { FinalState, FinalUpdateOutcome } from "../coordinator-client/final-update.ts";
import type { Job } from "../coordinator-client/job.ts";
import type { ReportTiming } from "../coordinator-client/job-channel.ts";
import { JobReporter } from "../coordinator-client/job-reporter.ts";
import type { Executor } from "../executors/executor.ts";
import { executeJob } from "../job/execute-job.ts";
import type { SharedFunctionSources } from "../job/functions/function-sources.ts";
import type { ProductVersion } from "../job/job-execution.ts";
import { JobInterruption } from "../job/job-interruption.ts";
import type { JobVerdict } from "../job/job-verdict.ts";
import { createJobLogBuffer, type JobLogBuffer } from "../job/log/job-log-buffer.ts";
import type { RunningJob } from "../metrics/manager-status.ts";
import { createJobInterrupts, type JobInterrupts } from "./job-interrupts.ts";
import type { JobSlot } from "./job-slots.ts";
import type { JobTelemetry } from "./job-telemetry.ts";
import type { RunningJobs } from "./running-jobs.ts";
import { secretPhrases } from "./secret-phrases.ts";
import { traceVerdict } from "./trace-verdict.ts";

/** What all jobs of a manager share. */
export interface JobSurroundings {
  readonly log: Log;
  readonly functionSources: SharedFunctionSources;
  readonly telemetry: JobTelemetry;
  readonly systemId: string;
  readonly workingDirectory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly product: ProductVersion;
  readonly reportTiming: Partial<ReportTiming>;
  /** Aborted when the process ends without waiting for final updates any longer. */
  readonly hardStop: AbortSignal;
}

export interface JobToRun {
  readonly job: Job;
  readonly runner: RunnerConfig;
  readonly client: CoordinatorClient;
  /** The one that the runner's entry names. */
  readonly executor: Executor;
  readonly remoteCache: RemoteCache | undefined;
  readonly slot: JobSlot;
  readonly about: Omit<RunningJob, "traceId" | "startedAt" | "stage">;
  /** A build stage of a job with `FF_EXPORT_HIGH_CARDINALITY_METRICS` is over. */
  readonly onStageEnd: (name: string, durationS: number) => void;
  /** Where the job is listed between its acknowledgement and its final update. */
  readonly running: RunningJobs;
}

/** How one job went. `dropped`: it was no longer ours when we acknowledged it. */
export type JobResult =
  | { readonly kind: "dropped"; readonly why: string }
  | { readonly kind: "ended"; readonly verdict: JobVerdict; readonly finalUpdate: FinalUpdateOutcome | "interrupted" };

/**
 * Runs one job from its acknowledgement to its final update.
 *
 * acknowledge → trace → log and state reports beside the execution → verdict → end of the trace → final update. Nothing
 * here waits for an exporter. Never rejects for what a job does; a bug becomes a system failure of the job.
 */
export async function runOneJob(toRun: JobToRun, shared: JobSurroundings): Promise<JobResult> {
  const { job, runner, client } = toRun;
  const interrupts = createJobInterrupts();
  const masker = createMasker({ phrases: secretPhrases(job, runner), tokenPrefixes: job.tokenMaskPrefixes });
  const about = { "ci.job.id": job.id, "ci.project.id": job.project.id, "runner.name": runner.name };
  const log = createMaskedLog(shared.log.child(about), masker);
  await using jobLog = createJobLogBuffer({ limitBytes: runner.outputLimitBytes });
  const reporter = createReporter(toRun, shared, jobLog, interrupts, log);

  const acknowledged = await reporter.acknowledge(shared.hardStop);
  if (acknowledged.kind === "abort") return { kind: "dropped", why: acknowledged.why };
  if (acknowledged.kind === "failed") log.warn("job could not be acknowledged", { err: acknowledged.why });

  const started = shared.telemetry.startTrace({ job, runner, log, masker, coordinatorUrl: client.url });
  using jobTrace = started.jobTrace;
  const tracedLog = jobTrace.traceId === undefined ? log : log.child({ trace_id: jobTrace.traceId });
  tracedLog.info("job started", { "ci.job.name": job.name });
  const stage = { current: "" };
  const listed: RunningJob = {
    ...toRun.about,
    traceId: jobTrace.traceId,
    startedAt: new Date(),
    get stage() {
      return stage.current;
    },
  };
  toRun.running.begin(listed, interrupts);
  reporter.start();

  const verdict = acknowledged.cancelRequested
    ? canceledAtPickup
    : await execute(toRun, shared, { jobLog, jobTrace, traceLine: started.logLine, interrupts, log: tracedLog, stage });
  // Ends here, so that it lies within the time for which the coordinator holds the job to be running.
  jobTrace.end(traceVerdict(verdict, jobLog.byteLength));
  await started.offline?.upload({ job, client, log: tracedLog, signal: shared.hardStop });
  const finalUpdate = await sendFinal(reporter, finalState(verdict, job), shared, tracedLog);
  toRun.running.end(listed, verdict);
  return { kind: "ended", verdict, finalUpdate };
}

/** Rule: runner-protocol.md §1.7, step 3. */
const canceledAtPickup: JobVerdict = {
  state: "failed",
  failureReason: "job_canceled",
  message: "canceled",
  interruptedBy: "coordinator-cancel",
};

function createReporter(
  { job, runner, client }: JobToRun,
  shared: JobSurroundings,
  jobLog: JobLogBuffer,
  interrupts: JobInterrupts,
  log: Log,
): JobReporter {
  return new JobReporter({
    job,
    client,
    source: jobLog,
    log,
    isDebugTrace: isDebugTrace(job, runner),
    finalUpdateRetryLimit: runner.finalUpdateRetryLimit,
    usesDynamicForceSendInterval: isOn("FF_USE_DYNAMIC_TRACE_FORCE_SEND_INTERVAL", job, runner),
    timing: shared.reportTiming,
    onCancel: () => {
      log.info("job is being canceled by the coordinator");
      interrupts.cancel();
    },
    onAbort: (why) => {
      log.warn("job is aborted", { why });
      interrupts.abort();
    },
  });
}

interface Running {
  readonly jobLog: JobLogBuffer;
  readonly jobTrace: JobTrace;
  readonly traceLine: string | undefined;
  readonly interrupts: JobInterrupts;
  readonly log: Log;
  readonly stage: { current: string };
}

async function execute(toRun: JobToRun, shared: JobSurroundings, running: Running): Promise<JobVerdict> {
  const { job, runner, client, executor, remoteCache, slot } = toRun;
  try {
    return await executeJob({
      job,
      runner,
      client,
      executor,
      remoteCache,
      functionSources: shared.functionSources,
      log: running.log,
      jobTrace: running.jobTrace,
      traceLine: running.traceLine,
      commandSpans: shared.telemetry.commandSpans,
      jobLog: running.jobLog,
      signal: running.interrupts.signal,
      cancelSignal: running.interrupts.cancelSignal,
      concurrentId: slot.concurrentId,
      concurrentProjectId: slot.concurrentProjectId,
      systemId: shared.systemId,
      workingDirectory: shared.workingDirectory,
      environment: shared.environment,
      product: shared.product,
      onStage({ name, durationS, isMetered }) {
        running.stage.current = name;
        if (durationS !== undefined && isMetered) toRun.onStageEnd(name, durationS);
      },
    });
  } catch (error) {
    running.log.error("job execution broke", { err: error });
    return systemFailure(error);
  }
}

function systemFailure(error: unknown): JobVerdict {
  if (error instanceof JobInterruption && error.by === "shutdown") {
    return { state: "failed", failureReason: "runner_interrupted", message: error.message, interruptedBy: error.by };
  }
  return { state: "failed", failureReason: "runner_system_failure", message: "internal error of the runner" };
}

/** What the coordinator is told. Rule: runner-protocol.md §2.7. */
function finalState(verdict: JobVerdict, job: Job): FinalState {
  if (verdict.state === "success") return { state: "success" };
  const failureReason = reportableFailureReason(verdict.failureReason, job.acceptedFailureReasons);
  return { state: "failed", failureReason, exitCode: verdict.exitCode };
}

async function sendFinal(
  reporter: JobReporter,
  final: FinalState,
  shared: JobSurroundings,
  log: Log,
): Promise<FinalUpdateOutcome | "interrupted"> {
  const fields = { state: final.state, failureReason: final.failureReason, exitCode: final.exitCode };
  try {
    const outcome = await reporter.finish(final, shared.hardStop);
    if (outcome.kind === "given-up") log.error("final update given up", { ...fields, err: outcome.why });
    else log.info("job ended", { ...fields, finalUpdate: outcome.kind });
    return outcome;
  } catch (error) {
    log.error("final update not sent: the runner stops", { ...fields, err: error });
    return "interrupted";
  }
}

/** Whether the coordinator must restrict who reads the log (runner-protocol.md §1.9). */
function isDebugTrace(job: Job, runner: RunnerConfig): boolean {
  if (runner.debugTraceDisabled) return false;
  return isOn("CI_DEBUG_TRACE", job, runner) || isOn("CI_DEBUG_SERVICES", job, runner);
}

/** A flag of the runner's entry, else a variable of the job (runner-protocol.md §3.2). Default: false. */
function isOn(name: string, { variables }: Job, { featureFlags }: RunnerConfig): boolean {
  const value = variables.findLast(({ key }) => key === name)?.value ?? "";
  return featureFlags[name] ?? parseGoBoolean(value) ?? false;
}
