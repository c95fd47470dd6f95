import type { Log } from "@jobscope/labkit";
import { CoordinatorError } from "../coordinator-error.ts";
import { finalStates, heldByRunner, type JobState } from "../job-state.ts";
import { problemWith } from "../pipeline/config/job-inputs.ts";
import type { PlannedJob } from "../pipeline/plan/planned-job.ts";
import { isProtected } from "../pipeline/variables/predefined-variables.ts";
import { mayFail } from "./allow-failure.ts";
import { compositeState } from "./composite-state.ts";
import type { CoordinatorState } from "./coordinator-state.ts";
import { decideNext } from "./decide-next.ts";
import type { JobQueue, JobSeeker } from "./job-queue.ts";
import type { JobRecord, PipelineRecord } from "./records.ts";
import { nextOfGroup } from "./resource-group.ts";
import { isRetriedAfter } from "./retry-decision.ts";

/** Told of every change, in the turn of the event loop in which it is made. Must not throw. */
export interface LifecycleObserver {
  jobChanged(job: JobRecord, before: JobState | undefined): void;
  pipelineChanged(pipeline: PipelineRecord): void;
}

/** How a runner says that a job ended. */
export interface JobVerdict {
  readonly state: "success" | "failed";
  readonly failureReason?: string;
  readonly exitCode?: number;
}

interface LifecycleDeps {
  readonly state: CoordinatorState;
  readonly queue: JobQueue;
  readonly log: Log;
  readonly now: () => number;
}

/**
 * Moves jobs through their states.
 *
 *   created ─▶ (scheduled │ manual) ─▶ waiting_for_resource ─▶ pending ─▶ running ─▶ success │ failed
 *      └─▶ skipped          any state before the end ─▶ (canceling) ─▶ canceled
 *
 * A failed job with retries left stays `failed`, marked as retried, and a new attempt of the same name takes its place.
 */
export class Lifecycle {
  readonly #deps: LifecycleDeps;
  readonly #observers = new Set<LifecycleObserver>();
  readonly #timers = new Map<number, NodeJS.Timeout>();
  #triggered: ((job: JobRecord) => void) | undefined;

  constructor(deps: LifecycleDeps) {
    this.#deps = deps;
  }

  observe(observer: LifecycleObserver): () => void {
    this.#observers.add(observer);
    return () => this.#observers.delete(observer);
  }

  /** Takes up again what a former process left: queued jobs, delays; running jobs stay with their runners. */
  resume(): void {
    for (const job of this.#deps.state.jobs.values()) {
      if (job.state === "pending" && job.plan.childPipeline === undefined) this.#deps.queue.add(job);
      if (job.state === "scheduled") this.#startTimer(job);
    }
    for (const pipeline of this.#deps.state.pipelines.values()) {
      if (pipeline.finishedAtMs === undefined) this.#process(pipeline);
    }
  }

  /** Stores a new pipeline with its jobs and lets the first ones go. */
  start(pipeline: PipelineRecord, plans: readonly PlannedJob[]): void {
    const { state } = this.#deps;
    const jobs = plans.map((plan) => this.#newJob(pipeline, plan, 1));
    state.savePipeline(pipeline);
    for (const job of jobs) state.saveJob(job);
    this.#tell((observer) => observer.pipelineChanged(pipeline));
    for (const job of jobs) this.#tell((observer) => observer.jobChanged(job, undefined));
    this.#process(pipeline);
  }

  #newJob(pipeline: PipelineRecord, plan: PlannedJob, attempt: number): JobRecord {
    return {
      id: this.#deps.state.nextId("jobs"),
      pipelineId: pipeline.id,
      projectId: pipeline.projectId,
      plan,
      attempt,
      isProtected: isProtected(pipeline.facts),
      createdAtMs: this.#deps.now(),
      state: "created",
      isRetried: false,
      allowFailure: plan.allowFailure === true,
      failureReason: undefined,
      exitCode: undefined,
      queuedAtMs: undefined,
      startedAtMs: undefined,
      finishedAtMs: undefined,
      scheduledForMs: undefined,
      runner: undefined,
      handouts: 0,
      isAcknowledged: false,
      artifacts: [],
      dotenv: [],
      coverage: undefined,
      givenInputs: {},
      childPipelineId: undefined,
    };
  }

  /** The runner has the job now. */
  handOut(job: JobRecord, { runner, systemId, features }: JobSeeker): void {
    job.runner = { id: runner.id, description: runner.description, systemId, tags: runner.tags, features };
    job.handouts += 1;
    job.isAcknowledged = false;
    job.startedAtMs = this.#deps.now();
    this.#move(job, "running");
  }

  /** The job did not reach the runner: it waits again, and the token it was handed out with is void. */
  takeBack(job: JobRecord): void {
    if (job.state !== "running" || job.isAcknowledged) return;
    job.runner = undefined;
    job.startedAtMs = undefined;
    job.handouts += 1;
    this.#move(job, "pending");
    this.#deps.queue.add(job);
  }

  /** The runner, or the coordinator in its place, says how the job ended. */
  end(job: JobRecord, verdict: JobVerdict): void {
    if (!heldByRunner.has(job.state)) return;
    job.exitCode = verdict.exitCode ?? (verdict.state === "success" ? 0 : undefined);
    if (job.state === "canceling") this.#finish(job, "canceled");
    else if (verdict.state === "success") this.#finish(job, "success");
    else this.#fail(job, verdict);
  }

  /** No runner takes the job: it fails. */
  giveUp(job: JobRecord): void {
    if (job.state !== "pending") return;
    job.failureReason = "stuck_or_timeout_failure";
    job.allowFailure = mayFail(job.plan.allowFailure, undefined);
    this.#finish(job, "failed");
  }

  #fail(job: JobRecord, verdict: JobVerdict): void {
    job.failureReason = verdict.failureReason ?? "unknown_failure";
    const { failureReason, exitCode, attempt } = job;
    if (isRetriedAfter(job.plan.retry, { attempt, failureReason, exitCode })) {
      this.#retryFailed(job);
    } else {
      job.allowFailure = mayFail(job.plan.allowFailure, exitCode);
      this.#finish(job, "failed");
      const pipeline = this.#pipelineOf(job);
      if (pipeline.isCanceledByFailure && !job.allowFailure) this.cancelPipeline(pipeline);
    }
  }

  #retryFailed(job: JobRecord): void {
    job.isRetried = true;
    job.finishedAtMs = this.#deps.now();
    this.#move(job, "failed");
    this.#releaseResource(job);
    this.#queueAgain(job);
    this.#processPipelineOf(job);
  }

  #queueAgain(job: JobRecord, givenInputs = job.givenInputs): JobRecord {
    const pipeline = this.#pipelineOf(job);
    const next = { ...this.#newJob(pipeline, job.plan, job.attempt + 1), givenInputs };
    this.#deps.state.saveJob(next);
    this.#tell((observer) => observer.jobChanged(next, undefined));
    this.#enqueue(next);
    return next;
  }

  #finish(job: JobRecord, state: "success" | "failed" | "canceled" | "skipped"): void {
    job.finishedAtMs = this.#deps.now();
    this.#clearTimer(job);
    this.#deps.queue.remove(job.id);
    this.#move(job, state);
    this.#releaseResource(job);
    this.#processPipelineOf(job);
  }

  /** Cancels a job; a runner that can stop politely gets the chance to, unless `force`. */
  cancel(job: JobRecord, { force = false }: { force?: boolean } = {}): void {
    if (finalStates.has(job.state)) return;
    const isPolite = job.state === "running" && job.runner?.features["cancel_gracefully"] === true;
    if (isPolite && !force) this.#move(job, "canceling");
    else if (job.state !== "canceling" || force) this.#finish(job, "canceled");
  }

  /** Cancels every job of a pipeline; those not yet started first, so that none of them is handed out meanwhile. */
  cancelPipeline(pipeline: PipelineRecord, options: { force?: boolean } = {}): void {
    const jobs = this.#deps.state.currentJobsOf(pipeline.id);
    for (const job of jobs) if (!heldByRunner.has(job.state)) this.cancel(job, options);
    for (const job of jobs) if (heldByRunner.has(job.state)) this.cancel(job, options);
  }

  /**
   * Starts a manual or delayed job now.
   * @param inputs values for its `inputs:`.
   * @throws {CoordinatorError} `not-allowed`.
   */
  play(job: JobRecord, inputs: Readonly<Record<string, unknown>> = {}): void {
    if (job.state !== "manual" && job.state !== "scheduled") {
      throw new CoordinatorError(`job ${job.id} is ${job.state}; only a manual or scheduled one can be played`, {
        code: "not-allowed",
      });
    }
    checkInputs(job, inputs);
    job.givenInputs = inputs;
    this.#clearTimer(job);
    this.#wakeDependents(job);
    this.#enqueue(job);
    this.#processPipelineOf(job);
    this.#reopenTriggerOf(this.#pipelineOf(job));
  }

  /**
   * Runs an ended job anew.
   * @param inputs values for its `inputs:`; the others stay as they were.
   * @returns the new attempt.
   * @throws {CoordinatorError} `not-allowed`.
   */
  retry(job: JobRecord, inputs: Readonly<Record<string, unknown>> = {}): JobRecord {
    if (job.isRetried || !["success", "failed", "canceled"].includes(job.state)) {
      throw new CoordinatorError(`job ${job.id} cannot be retried: it is ${job.isRetried ? "retried" : job.state}`, {
        code: "not-allowed",
      });
    }
    checkInputs(job, inputs);
    job.isRetried = true;
    this.#deps.state.saveJob(job);
    this.#wakeDependents(job);
    const next = this.#queueAgain(job, { ...job.givenInputs, ...inputs });
    this.#processPipelineOf(job);
    this.#reopenTriggerOf(this.#pipelineOf(job));
    return next;
  }

  /** A child pipeline goes on: the trigger job that ended with it runs again (GitLab's Ci::Pipeline#reset_source_bridge!). */
  #reopenTriggerOf({ parentJobId }: PipelineRecord): void {
    const job = parentJobId === undefined ? undefined : this.#deps.state.jobs.get(parentJobId);
    if (job?.plan.childPipeline?.dependsOnChild !== true || job.isRetried || !finalStates.has(job.state)) return;
    job.finishedAtMs = undefined;
    job.failureReason = undefined;
    this.#move(job, "running");
    this.#wakeDependents(job);
    this.#processPipelineOf(job);
    this.#reopenTriggerOf(this.#pipelineOf(job));
  }

  /** What was skipped because of this job gets another chance (GitLab's Ci::ResetSkippedJobsService). */
  #wakeDependents(job: JobRecord): void {
    const awake = new Set([job.plan.name]);
    for (const other of this.#deps.state.currentJobsOf(job.pipelineId)) {
      const { needs, stageIndex, name } = other.plan;
      const depends =
        needs === undefined ? stageIndex > job.plan.stageIndex : needs.some((need) => awake.has(need.name));
      if (!depends) continue;
      awake.add(name);
      if (other.state !== "skipped") continue;
      other.finishedAtMs = undefined;
      this.#move(other, "created");
    }
  }

  #enqueue(job: JobRecord): void {
    const group = job.plan.resourceGroup;
    if (group !== undefined) {
      const all = this.#jobsOfGroup(job.projectId, group);
      const mode = this.#deps.state.projects.get(job.projectId)?.resourceGroupModes[group];
      if (nextOfGroup(all, mode, job) !== job) {
        this.#move(job, "waiting_for_resource");
        return;
      }
    }
    job.queuedAtMs = this.#deps.now();
    this.#move(job, "pending");
    if (job.plan.childPipeline === undefined) this.#deps.queue.add(job);
    else this.#trigger(job);
  }

  #trigger(job: JobRecord): void {
    job.startedAtMs = this.#deps.now();
    this.#move(job, "running");
    this.#triggered?.(job);
  }

  /** Sets who starts child pipelines; once, before the first pipeline starts. */
  onTrigger(start: (job: JobRecord) => void): void {
    this.#triggered = start;
  }

  #jobsOfGroup(projectId: number, group: string): JobRecord[] {
    const isOfGroup = (job: JobRecord) => job.projectId === projectId && job.plan.resourceGroup === group;
    return [...this.#deps.state.jobs.values()].filter((job) => isOfGroup(job) && !job.isRetried);
  }

  /** A job of a resource group left it, or will not come: the next one may have it. */
  #releaseResource({ projectId, plan }: JobRecord): void {
    if (plan.resourceGroup !== undefined) this.assignResource(projectId, plan.resourceGroup);
  }

  /** Gives a resource group, if it is free, to the job whose turn it is. */
  assignResource(projectId: number, group: string): void {
    const mode = this.#deps.state.projects.get(projectId)?.resourceGroupModes[group];
    const next = nextOfGroup(this.#jobsOfGroup(projectId, group), mode);
    if (next?.state === "waiting_for_resource") this.#enqueue(next);
  }

  #schedule(job: JobRecord): void {
    job.scheduledForMs = this.#deps.now() + (job.plan.startInSeconds ?? 0) * 1000;
    this.#move(job, "scheduled");
    this.#startTimer(job);
  }

  #startTimer(job: JobRecord): void {
    const delayMs = Math.min(Math.max((job.scheduledForMs ?? 0) - this.#deps.now(), 0), 2 ** 31 - 1);
    const timer = setTimeout(() => {
      if (job.state === "scheduled") this.play(job);
    }, delayMs);
    this.#timers.set(job.id, timer);
  }

  #clearTimer(job: JobRecord): void {
    clearTimeout(this.#timers.get(job.id));
    this.#timers.delete(job.id);
  }

  /** Stops all timers. Stored jobs keep their states. */
  stop(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  #processPipelineOf(job: JobRecord): void {
    this.#process(this.#pipelineOf(job));
  }

  #pipelineOf(job: JobRecord): PipelineRecord {
    const pipeline = this.#deps.state.pipelines.get(job.pipelineId);
    if (pipeline === undefined) throw new CoordinatorError(`no pipeline ${job.pipelineId}`, { code: "not-found" });
    return pipeline;
  }

  /** Lets every job go that can, then sums the pipeline up. */
  #process(pipeline: PipelineRecord): void {
    for (;;) {
      const waiting = this.#deps.state.currentJobsOf(pipeline.id).map(asWaiting);
      const steps = decideNext(waiting);
      if (steps.length === 0) break;
      for (const { job, becomes } of steps) this.#step(job.record, becomes);
    }
    this.#sumUp(pipeline);
  }

  #step(job: JobRecord, becomes: "pending" | "manual" | "scheduled" | "skipped"): void {
    if (job.state !== "created") return;
    if (becomes === "pending") this.#enqueue(job);
    else if (becomes === "scheduled") this.#schedule(job);
    else {
      if (becomes === "skipped") job.finishedAtMs = this.#deps.now();
      this.#move(job, becomes);
      if (becomes === "skipped") this.#releaseResource(job);
    }
  }

  #sumUp(pipeline: PipelineRecord): void {
    const jobs = this.#deps.state.currentJobsOf(pipeline.id);
    const state = compositeState(jobs);
    const isDone = finalStates.has(state);
    if (state === pipeline.state && isDone === (pipeline.finishedAtMs !== undefined)) return;
    pipeline.state = state;
    if (state !== "created" && state !== "pending") pipeline.startedAtMs ??= this.#deps.now();
    pipeline.finishedAtMs = isDone ? this.#deps.now() : undefined;
    this.#deps.state.savePipeline(pipeline);
    this.#tell((observer) => observer.pipelineChanged(pipeline));
  }

  #move(job: JobRecord, state: JobState): void {
    const before = job.state;
    job.state = state;
    this.#deps.state.saveJob(job);
    this.#deps.log.debug("job changed state", { "ci.job.id": job.id, before, state });
    this.#tell((observer) => observer.jobChanged(job, before));
    if (state !== "running") return;
    const pipeline = this.#pipelineOf(job);
    // One running job more changes nothing for a running pipeline; to add up a thousand jobs for each would.
    if (pipeline.state !== "running") this.#sumUp(pipeline);
  }

  #tell(call: (observer: LifecycleObserver) => void): void {
    for (const observer of this.#observers) {
      try {
        call(observer);
      } catch (err) {
        this.#deps.log.error("a listener of the coordinator failed", { err });
      }
    }
  }
}

/** @throws {CoordinatorError} `not-allowed`, naming the input. */
function checkInputs({ plan }: JobRecord, given: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(given)) {
    const definition = plan.inputs[name];
    const problem = definition === undefined ? "is not among the inputs of this job" : problemWith(definition, value);
    if (problem === undefined) continue;
    throw new CoordinatorError(`input "${name}" of job "${plan.name}" ${problem}`, { code: "not-allowed" });
  }
}

function asWaiting(record: JobRecord) {
  const { name, stageIndex, needs, when } = record.plan;
  return { record, name, stageIndex, needs, when, state: record.state, allowFailure: record.allowFailure };
}
