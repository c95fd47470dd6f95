import type { Writable } from "node:stream";
import type { RunnerFeatures } from "../runner-features.ts";
import type { JobRecord, RunnerRecord } from "./records.ts";
import { needsContainers, requiredFeatures } from "./required-features.ts";

/** Who asks for a job. */
export interface JobSeeker {
  readonly runner: RunnerRecord;
  readonly systemId: string;
  readonly features: RunnerFeatures;
}

interface WaitingSeeker {
  readonly seeker: JobSeeker;
  readonly take: (job: JobRecord) => void;
  readonly stop: () => void;
}

/** Seekers remembered; the one that asked longest ago is forgotten first. */
const maxSeen = 10_000;

/**
 * Jobs that wait for runners, and runners that wait for jobs. Everything happens synchronously, so that a job can be
 * handed out only once: it leaves the queue in the same step in which it gets its runner.
 */
export class JobQueue {
  readonly #pending = new Map<number, JobRecord>();
  readonly #waiting = new Set<WaitingSeeker>();
  /** Who has asked, by runner and machine, and when. */
  readonly #seen = new Map<string, { seeker: JobSeeker; atMs: number }>();
  #isReleased = false;
  #version = 1;
  readonly #epoch = Date.now().toString(36);

  /** Changes whenever a job was queued that nobody waited for: the `X-GitLab-Last-Update` cursor. */
  get cursor(): string {
    return `${this.#epoch}-${this.#version}`;
  }

  get length(): number {
    return this.#pending.size;
  }

  /** Gives the job to whoever has waited longest and may take it, else keeps it. */
  add(job: JobRecord): void {
    for (const waiting of this.#waiting) {
      if (!mayTake(waiting.seeker, job)) continue;
      this.#waiting.delete(waiting);
      waiting.take(job);
      return;
    }
    this.#pending.set(job.id, job);
    this.#version += 1;
  }

  remove(jobId: number): void {
    this.#pending.delete(jobId);
  }

  /** Jobs that wait for a runner. */
  pending(): Iterable<JobRecord> {
    return this.#pending.values();
  }

  /** Whether a runner that may take the job has asked for one since then. */
  hasSeekerFor(job: JobRecord, sinceMs: number): boolean {
    for (const waiting of this.#waiting) if (mayTake(waiting.seeker, job)) return true;
    for (const { seeker, atMs } of this.#seen.values()) if (atMs >= sinceMs && mayTake(seeker, job)) return true;
    return false;
  }

  #note(seeker: JobSeeker, nowMs: number): void {
    const key = `${seeker.runner.id} ${seeker.systemId}`;
    this.#seen.delete(key);
    this.#seen.set(key, { seeker, atMs: nowMs });
    const [oldest] = this.#seen.keys();
    if (this.#seen.size > maxSeen && oldest !== undefined) this.#seen.delete(oldest);
  }

  /** Takes the first job that the seeker may have. */
  take(seeker: JobSeeker, nowMs: number): JobRecord | undefined {
    this.#note(seeker, nowMs);
    for (const job of this.#pending.values()) {
      if (!mayTake(seeker, job)) continue;
      this.#pending.delete(job.id);
      return job;
    }
    return undefined;
  }

  /**
   * Waits for a job until the seeker is gone (its answer's stream closes), patience ends or `release` is called.
   * @param take called, at most once, in the very step in which the job leaves the queue.
   */
  async wait(
    seeker: JobSeeker,
    { gone, patienceMs }: { gone: Writable; patienceMs: number },
    take: (job: JobRecord) => void,
  ): Promise<void> {
    if (gone.destroyed || this.#isReleased) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting: WaitingSeeker = {
      seeker,
      take: (job) => {
        take(job);
        resolve();
      },
      stop: resolve,
    };
    const timer = setTimeout(resolve, patienceMs);
    this.#waiting.add(waiting);
    gone.once("close", waiting.stop);
    await promise;
    this.#waiting.delete(waiting);
    clearTimeout(timer);
    gone.off("close", waiting.stop);
  }

  /** Ends all waiting, for good. */
  release(): void {
    this.#isReleased = true;
    for (const waiting of this.#waiting) waiting.stop();
  }
}

/** Tags and features (runner-protocol.md §1.4): a job goes to a runner that has all that it asks for. */
function mayTake({ runner, features }: JobSeeker, { plan, isProtected }: JobRecord): boolean {
  if (runner.paused || (runner.onlyProtectedRefs && !isProtected)) return false;
  if (plan.tags.length === 0 && !runner.runUntagged && !runner.ignoresTags) return false;
  if (!runner.ignoresTags && !plan.tags.every((tag) => runner.tags.includes(tag))) return false;
  if (runner.containers === "only" && !needsContainers(plan)) return false;
  const required = requiredFeatures(plan, { ignoresContainers: runner.containers === "ignored" });
  return required.every((feature) => features[feature] === true);
}
