import type { Log } from "@jobscope/labkit";
import type { JobRequestOutcome } from "../coordinator-client/coordinator-client.ts";
import { CoordinatorError } from "../coordinator-client/coordinator-error.ts";
import type { RunnerMetrics } from "../metrics/runner-metrics.ts";
import { begin, type RunnerEntry, whyDeclined } from "./runner-entry.ts";

export interface PollerOptions {
  readonly log: Log;
  readonly metrics: Pick<RunnerMetrics, "runnerOffered" | "offerDeclined">;
  /** Runs what was handed out, to its end. Never rejects. */
  readonly runOutcome: (entry: RunnerEntry, outcome: HandedOut) => Promise<void>;
  /**
   * Called when a job is over and the entry's requests have been answered with jobs lately (`true`: the next one probably
   * is too), and when one was answered without (`false`).
   */
  readonly onOutlook: (entry: RunnerEntry, expectsJob: boolean) => void;
  /** Called after each job request and what came of it. */
  readonly onWorkEnd: (entry: RunnerEntry) => void;
}

/** `concurrent` and `check_interval`. */
export interface PollLimits {
  readonly concurrent: number;
  readonly checkIntervalMs: number;
}

/** So many jobs in a row, none of whose requests came back empty, are taken for a queue. */
const queueOfJobs = 2;

/** A job request that brought something to do. */
export type HandedOut = Extract<JobRequestOutcome, { kind: "job" | "unreadable-job" }>;

/**
 * Offers the runner entries to `concurrent` workers, and has a free worker ask for a job.
 *
 * A timer offers one entry after the other, each once per check interval. An entry that brought a job is offered again
 * at once, and so is one whose job has ended (unless `strict_check_interval`), so that a full queue is drained without
 * waiting. An offered entry waits until a worker is free; one without room is forgotten until its next turn.
 *
 * Rule: runner-protocol.md §6.7.
 */
export class Poller {
  readonly #options: PollerOptions;
  readonly #log: Log;
  readonly #offered = new Set<RunnerEntry>();
  readonly #working = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  #limits: PollLimits = { concurrent: 0, checkIntervalMs: 0 };
  #entries: readonly RunnerEntry[] = [];
  #nextTurn = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: PollerOptions) {
    this.#options = options;
    this.#log = options.log;
  }

  /** Whether the entry is among those polled for. */
  polls(entry: RunnerEntry): boolean {
    return this.#entries.includes(entry);
  }

  /** Polls for these entries from now on. Work of entries that are gone runs to its end. */
  poll(entries: readonly RunnerEntry[], limits: PollLimits): void {
    this.#entries = entries;
    this.#limits = limits;
    this.#offered.clear();
    this.#nextTurn = 0;
    this.#takeTurn();
  }

  /** Offers nothing more and gives up the job requests that are out. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#offered.clear();
    this.#stopping.abort(new Error("the runner stops asking for jobs"));
  }

  /** Workers in use: requests out and jobs running. */
  get busyWorkers(): number {
    return this.#working.size;
  }

  /** Resolves when no worker is in use any more. Only after `stop()`. */
  async idle(): Promise<void> {
    await Promise.all(this.#working);
  }

  #takeTurn(): void {
    clearTimeout(this.#timer);
    if (this.#stopping.signal.aborted) return;
    const entry = this.#entries[this.#nextTurn];
    this.#nextTurn = (this.#nextTurn + 1) % Math.max(1, this.#entries.length);
    if (entry !== undefined) this.#offer(entry);
    this.#timer = setTimeout(() => this.#takeTurn(), this.#limits.checkIntervalMs / Math.max(1, this.#entries.length));
  }

  #offer(entry: RunnerEntry): void {
    if (this.#stopping.signal.aborted || !this.polls(entry)) return;
    this.#options.metrics.runnerOffered(entry.runner);
    this.#offered.add(entry);
    this.#employ();
  }

  #employ(): void {
    for (const entry of this.#offered) {
      if (this.#working.size >= this.#limits.concurrent) return;
      this.#offered.delete(entry);
      const declined = whyDeclined(entry);
      if (declined !== undefined) {
        this.#options.metrics.offerDeclined(entry.runner, declined);
        continue;
      }
      const work: Promise<void> = this.#work(entry).finally(() => {
        this.#working.delete(work);
        this.#options.onWorkEnd(entry);
        this.#employ();
      });
      this.#working.add(work);
    }
  }

  async #work(entry: RunnerEntry): Promise<void> {
    const outcome = await this.#request(entry);
    if (outcome === undefined) return;
    {
      using _job = begin(entry, "jobs");
      if (!entry.runner.strictCheckInterval) this.#offer(entry);
      await this.#options.runOutcome(entry, outcome);
    }
    if (entry.jobsInARow >= queueOfJobs && !this.#stopping.signal.aborted) this.#options.onOutlook(entry, true);
    if (!entry.runner.strictCheckInterval) this.#offer(entry);
  }

  async #request(entry: RunnerEntry): Promise<HandedOut | undefined> {
    using _request = begin(entry, "requests");
    try {
      const outcome = await entry.client.requestJob({ signal: this.#stopping.signal });
      return this.#judge(entry, outcome);
    } catch (error) {
      if (this.#stopping.signal.aborted) return undefined;
      entry.health.noteAnswer();
      const retryAfterMs = error instanceof CoordinatorError ? error.retryAfterMs : undefined;
      if (retryAfterMs !== undefined) entry.asksAgainAtMs = performance.now() + retryAfterMs;
      entry.requestLimit.note("under-pressure");
      entry.failedRequests += 1;
      const fields = { "runner.name": entry.runner.name, err: error };
      if (entry.failedRequests === 1) this.#log.warn("job request failed, trying again", fields);
      else this.#log.debug("job request failed again", { ...fields, failures: entry.failedRequests });
      return undefined;
    }
  }

  #judge(entry: RunnerEntry, outcome: JobRequestOutcome): HandedOut | undefined {
    if (outcome.kind === "refused") {
      const rests = entry.health.noteRefusal(performance.now());
      const fields = { "runner.name": entry.runner.name, err: outcome.why };
      this.#log.error("the coordinator refuses the runner token", fields);
      if (rests) this.#log.error("the runner rests", { ...fields, restMs: entry.runner.unhealthyIntervalMs });
      return undefined;
    }
    entry.health.noteAnswer();
    if (entry.failedRequests > 0) {
      const fields = { "runner.name": entry.runner.name, failures: entry.failedRequests };
      this.#log.info("job requests work again", fields);
      entry.failedRequests = 0;
    }
    const isUnderPressure = outcome.kind !== "unreadable-job" && outcome.repeated;
    entry.requestLimit.note(isUnderPressure ? "under-pressure" : outcome.kind === "no-job" ? "no-job" : "job");
    if (outcome.kind !== "no-job") {
      entry.jobsInARow += 1;
      return outcome;
    }
    entry.jobsInARow = 0;
    this.#options.onOutlook(entry, false);
    return undefined;
  }
}
