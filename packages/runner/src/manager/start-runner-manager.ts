import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { createSpanClock, spanPriority } from "@jobscope/job-telemetry";
import { createEndpointPool, type EndpointPool, type Log } from "@jobscope/labkit";
import { openRemoteCache } from "../cache/remote/open-remote-cache.ts";
import type { RoleEvent } from "../cache/remote/role-event.ts";
import type { RunnerManagerConfig } from "../config/manager-config.ts";
import { processEnvironment } from "../config/process-environment.ts";
import type { RunnerConfig } from "../config/runner-config.ts";
import { withoutTelemetryVariables } from "../config/telemetry-environment.ts";
import { createCoordinatorClient } from "../coordinator-client/create-coordinator-client.ts";
import type { FailureReason } from "../coordinator-client/failure-reason.ts";
import type { ApiAttempt } from "../coordinator-client/http/api.ts";
import { buildPlaceOf } from "../job/build-directories.ts";
import { createSharedFunctionSources } from "../job/functions/function-sources.ts";
import { sweepJobLeftovers } from "../job/job-leftovers.ts";
import type { JobVerdict } from "../job/job-verdict.ts";
import type { ManagerState, ManagerStatus, RunningJob } from "../metrics/manager-status.ts";
import { noMetrics, type RunnerMetrics } from "../metrics/runner-metrics.ts";
import { runnerRevision, runnerVersion } from "../runner-version.ts";
import { createExecutors, type Executors } from "./executors.ts";
import { JobSlots } from "./job-slots.ts";
import { createJobTelemetry, type JobTelemetry } from "./job-telemetry.ts";
import { type HandedOut, Poller } from "./poller.ts";
import { reportUnreadableJob } from "./report-unreadable-job.ts";
import { type JobSurroundings, runOneJob } from "./run-one-job.ts";
import { createRunnerEntry, isIdle, type RunnerEntry, type RunnerLoad } from "./runner-entry.ts";
import type { RunnerManager, RunnerManagerOptions } from "./runner-manager.ts";
import { RunningJobs } from "./running-jobs.ts";

/**
 * Ends what an earlier process of this runner left behind, then begins to poll for all runners of the configuration.
 * Dispose of the result to end it.
 */
export async function startRunnerManager(options: RunnerManagerOptions): Promise<RunnerManager> {
  const { config, log } = options;
  const environment = options.environment ?? processEnvironment();
  const workingDirectory = options.workingDirectory ?? process.cwd();
  const jobEnvironment = withoutTelemetryVariables(environment, config.telemetry.secretVariables);
  const executors = await createExecutors(config, { log, environment: jobEnvironment, workingDirectory });
  await executors.sweep();
  await sweepFiles(config, workingDirectory, log);
  return new PollingRunnerManager({ ...options, environment, workingDirectory }, executors);
}

async function sweepFiles(config: RunnerManagerConfig, workingDirectory: string, log: Log): Promise<void> {
  const onThisDisk = config.runners.filter(({ executor }) => executor === "shell");
  const count = await sweepJobLeftovers(onThisDisk.map((runner) => buildPlaceOf(runner, workingDirectory).builds));
  if (count > 0) log.warn("files of jobs of an earlier run were removed", { count });
}

/** How the spans of a killed runner's jobs end. Rule: telemetry.md §4 "Nothing lost". */
const interrupted = { errorType: "runner_system_failure", message: "the runner process ended before the job did" };

/** How long jobs may take to notice that their processes were killed. */
const afterKillMs = 10_000;

type FilledInOptions = RunnerManagerOptions & Required<Pick<RunnerManagerOptions, "environment" | "workingDirectory">>;

class PollingRunnerManager implements RunnerManager {
  readonly #options: FilledInOptions;
  readonly #log: Log;
  readonly #metrics: RunnerMetrics;
  readonly #clock = createSpanClock();
  readonly #pool: EndpointPool;
  readonly #executors: Executors;
  readonly #functionSources = createSharedFunctionSources();
  readonly #slots = new JobSlots();
  readonly #running: RunningJobs;
  readonly #poller: Poller;
  readonly #hardStop = new AbortController();
  /** In use or, when a reload replaced them, still at work. */
  readonly #entries = new Set<RunnerEntry>();
  readonly #loadByRunnerToken = new Map<string, RunnerLoad>();
  readonly #workerSlots = { started: 0, stopped: 0 };
  #state: ManagerState = "running";
  #config: RunnerManagerConfig;
  #telemetry: JobTelemetry;
  #disposal: Promise<void> | undefined;

  constructor(options: FilledInOptions, executors: Executors) {
    const { config, log } = options;
    this.#options = options;
    this.#config = config;
    this.#log = log;
    this.#metrics = options.metrics ?? noMetrics;
    this.#executors = executors;
    this.#pool = createEndpointPool({
      log,
      env: options.environment,
      priorityOf: spanPriority,
      ...(config.telemetry.spoolDir === undefined
        ? {}
        : {
            spool: { directory: config.telemetry.spoolDir, limits: config.telemetry.spoolLimits, interrupted },
          }),
      limits: { shutdownFlushMs: config.telemetry.flushTimeoutMs },
    });
    this.#running = new RunningJobs(options.observer ?? {}, log);
    this.#telemetry = this.#createTelemetry();
    this.#poller = new Poller({
      log,
      metrics: this.#metrics,
      runOutcome: (entry, outcome) => this.#run(entry, outcome),
      onOutlook: ({ runner }, expectsJob) => this.#executors.of(runner)?.expectJob?.(expectsJob),
      onWorkEnd: (entry) => this.#retireIfReplaced(entry),
    });
    this.reconfigure(config);
  }

  get runningJobs(): readonly RunningJob[] {
    return this.#running.list();
  }

  status(): ManagerStatus {
    const entries = [...this.#entries].filter((entry) => this.#poller.polls(entry));
    return {
      systemId: this.#config.systemId,
      state: this.#state,
      concurrent: this.#config.concurrent,
      workerSlots: { ...this.#workerSlots },
      busyWorkers: this.#poller.busyWorkers,
      runners: entries.map(({ runner, all, requestLimit }) => ({ runner, ...all, requestLimit: requestLimit.current })),
      jobs: this.runningJobs,
      telemetry: this.#pool.stats(),
    };
  }

  stop(): void {
    this.#poller.stop();
    for (const { runner } of this.#entries) this.#executors.of(runner)?.expectJob?.(false);
    if (this.#state === "running") this.#state = "graceful-shutdown";
    this.#resizeWorkers(0);
  }

  async drain(signal: AbortSignal): Promise<void> {
    const aborted = Promise.withResolvers<never>();
    const onAbort = () => aborted.reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    await Promise.race([this.#poller.idle(), aborted.promise]).finally(() =>
      signal.removeEventListener("abort", onAbort),
    );
  }

  abort(reason: string): void {
    this.#state = "forceful-shutdown";
    this.#running.abortAll(reason);
  }

  async kill(): Promise<void> {
    this.stop();
    this.abort("killed");
    this.#hardStop.abort(new Error("the runner does not wait for final updates"));
    await this.#executors[Symbol.asyncDispose]();
  }

  reconfigure(config: RunnerManagerConfig): void {
    const replaced = [...this.#entries];
    this.#config = config;
    this.#telemetry = this.#createTelemetry();
    const entries = config.runners.filter((runner) => this.#canRun(runner)).map((runner) => this.#connect(runner));
    for (const entry of entries) this.#entries.add(entry);
    this.#resizeWorkers(config.concurrent);
    this.#poller.poll(entries, config);
    for (const entry of replaced) this.#retireIfReplaced(entry);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposal ??= this.#dispose();
    return this.#disposal;
  }

  async #dispose(): Promise<void> {
    this.stop();
    this.abort("terminated");
    await this.#settle(this.#config.shutdownTimeoutMs);
    await this.kill();
    await this.#settle(afterKillMs);
    await this.#telemetry.whatWasLeft;
    await this.#pool[Symbol.asyncDispose]();
    await Promise.all([...this.#entries].map((entry) => entry.client[Symbol.asyncDispose]()));
  }

  /** Waits for the jobs, at most `timeoutMs`. */
  async #settle(timeoutMs: number): Promise<void> {
    const enough = new AbortController();
    const timeout = delay(timeoutMs, undefined, { signal: enough.signal }).catch(() => {});
    await Promise.race([this.#poller.idle(), timeout]);
    enough.abort();
  }

  #createTelemetry(): JobTelemetry {
    return createJobTelemetry({
      config: this.#config.telemetry,
      pool: this.#pool,
      spanProcessors: this.#options.spanProcessors ?? [],
      clock: this.#clock,
      systemId: this.#config.systemId,
      log: this.#log,
    });
  }

  #canRun(runner: RunnerConfig): boolean {
    if (this.#executors.of(runner) !== undefined) return true;
    const fields = { "runner.name": runner.name, "ci.runner.executor": runner.executor };
    const isIncomplete = runner.executor === "docker" && runner.docker === undefined;
    if (isIncomplete) this.#log.error("runner is not polled: it has no table [runners.docker]", fields);
    else this.#log.error("runner is not polled: its executor is not available in this runner", fields);
    return false;
  }

  #connect(runner: RunnerConfig): RunnerEntry {
    const { systemId, proxy, connectionMaxAgeMs } = this.#config;
    const onAttempt = (attempt: ApiAttempt) => this.#metrics.apiAttempted(runner, attempt);
    const client = createCoordinatorClient({ runner, systemId, proxy, connectionMaxAgeMs, onAttempt });
    const { store } = runner.cache;
    const deps = {
      log: this.#log,
      environment: this.#options.environment,
      onRole: (event: RoleEvent) => this.#metrics.roleHappened(event),
    };
    const remoteCache = store === undefined ? undefined : openRemoteCache(store, deps);
    return createRunnerEntry({ runner, client, remoteCache }, this.#loadOf(runner.runnerToken));
  }

  #loadOf(runnerToken: string): RunnerLoad {
    const load = this.#loadByRunnerToken.get(runnerToken) ?? { requests: 0, jobs: 0 };
    this.#loadByRunnerToken.set(runnerToken, load);
    return load;
  }

  #resizeWorkers(count: number): void {
    const change = count - (this.#workerSlots.started - this.#workerSlots.stopped);
    if (change > 0) this.#workerSlots.started += change;
    else this.#workerSlots.stopped -= change;
  }

  /** An entry that a reload replaced keeps its connections until its last job has reported its end. */
  #retireIfReplaced(entry: RunnerEntry): void {
    if (this.#poller.polls(entry) || !isIdle(entry) || !this.#entries.delete(entry)) return;
    const { runnerToken } = entry.runner;
    const isLast = ![...this.#entries].some(({ runner }) => runner.runnerToken === runnerToken);
    if (isLast) this.#loadByRunnerToken.delete(runnerToken);
    entry.client[Symbol.asyncDispose]().catch((error: unknown) => {
      this.#log.warn("connections of a replaced runner could not be closed", { err: error });
    });
  }

  async #run(entry: RunnerEntry, outcome: HandedOut): Promise<void> {
    try {
      if (outcome.kind === "job") return await this.#runJob(entry, outcome);
      this.#metrics.processingFailed(entry.runner, "unreadable_job");
      await reportUnreadableJob(outcome, { client: entry.client, log: this.#log, signal: this.#hardStop.signal });
    } catch (error) {
      this.#metrics.processingFailed(entry.runner, "internal_error");
      this.#log.error("a job was given up", { err: error });
    }
  }

  async #runJob(
    { runner, client, remoteCache }: RunnerEntry,
    { job }: Extract<HandedOut, { kind: "job" }>,
  ): Promise<void> {
    using slot = this.#slots.take(runner.runnerToken, job.project.id);
    const about = {
      jobId: job.id,
      name: job.name,
      projectId: job.project.id,
      runnerName: runner.name,
      runnerShortToken: runner.shortToken,
      url: job.variables.findLast(({ key }) => key === "CI_JOB_URL")?.value ?? "",
    };
    const onStageEnd = (name: string, durationS: number) => this.#metrics.jobStageEnded(runner, name, durationS);
    this.#metrics.jobReceived(runner, job);
    const startedMs = performance.now();
    const executor = this.#executors.of(runner);
    assert(executor !== undefined, "a runner without an executor is not polled");
    const toRun = { job, runner, client, executor, remoteCache, slot, about, running: this.#running, onStageEnd };
    const result = await runOneJob(toRun, this.#surroundings());
    if (result.kind === "dropped") this.#log.info("job dropped", { "ci.job.id": job.id, why: result.why });
    else this.#metrics.jobEnded(runner, job, failureReasonOf(result.verdict), (performance.now() - startedMs) / 1000);
  }

  #surroundings(): JobSurroundings {
    return {
      log: this.#log,
      functionSources: this.#functionSources,
      telemetry: this.#telemetry,
      systemId: this.#config.systemId,
      workingDirectory: this.#options.workingDirectory,
      environment: withoutTelemetryVariables(this.#options.environment, this.#config.telemetry.secretVariables),
      product: { name: "gitlab-runner", version: runnerVersion, revision: runnerRevision },
      reportTiming: {},
      hardStop: this.#hardStop.signal,
    };
  }
}

function failureReasonOf(verdict: JobVerdict): FailureReason | undefined {
  return verdict.state === "success" ? undefined : verdict.failureReason;
}
