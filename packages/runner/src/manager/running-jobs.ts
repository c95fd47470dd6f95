import type { Log } from "@jobscope/labkit";
import type { JobVerdict } from "../job/job-verdict.ts";
import type { RunningJob } from "../metrics/manager-status.ts";
import type { JobInterrupts } from "./job-interrupts.ts";
import type { RunnerManagerObserver } from "./runner-manager.ts";

/** The jobs of a manager that have begun and not ended, in the order they began. */
export class RunningJobs {
  readonly #interruptsByJob = new Map<RunningJob, JobInterrupts>();
  readonly #observer: RunnerManagerObserver;
  readonly #log: Log;
  #abortReason: string | undefined;

  constructor(observer: RunnerManagerObserver, log: Log) {
    this.#observer = observer;
    this.#log = log;
  }

  list(): readonly RunningJob[] {
    return [...this.#interruptsByJob.keys()];
  }

  /** A job that begins after `abortAll` is killed at once: it was on its way when the process was told to end. */
  begin(job: RunningJob, interrupts: JobInterrupts): void {
    this.#interruptsByJob.set(job, interrupts);
    if (this.#abortReason !== undefined) interrupts.shutDown(this.#abortReason);
    this.#notify(() => this.#observer.jobStarted?.(job));
  }

  end(job: RunningJob, verdict: JobVerdict): void {
    this.#interruptsByJob.delete(job);
    this.#notify(() => this.#observer.jobEnded?.(job, verdict));
  }

  abortAll(reason: string): void {
    this.#abortReason ??= reason;
    for (const interrupts of this.#interruptsByJob.values()) interrupts.shutDown(reason);
  }

  #notify(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#log.error("an observer of jobs failed", { err: error });
    }
  }
}
