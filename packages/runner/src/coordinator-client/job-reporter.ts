import type { Log } from "@jobscope/labkit";
import type { JobUpdateOutcome } from "./coordinator-client.ts";
import { type FinalState, type FinalUpdateOutcome, sendFinalUpdate } from "./final-update.ts";
import { defaultReportTiming, JobChannel, type JobChannelOptions, type ReportTiming, wait } from "./job-channel.ts";

export interface JobReporterOptions extends Omit<JobChannelOptions, "timing"> {
  readonly log: Log;
  /** `job_status_final_update_retry_limit`. */
  readonly finalUpdateRetryLimit: number;
  /** `FF_USE_DYNAMIC_TRACE_FORCE_SEND_INTERVAL`: stay silent for four intervals instead of 30 s. */
  readonly usesDynamicForceSendInterval: boolean;
  readonly timing?: Partial<ReportTiming>;
}

/**
 * Keeps the coordinator informed about one job: its log, that it is alive, and how it ended.
 *
 * acknowledge() → start() → (every interval: one slice, a sign of life after 30 s of silence) → finish().
 * `finish` may be called without `start`. One periodic report runs at a time, so that slices never overtake each other.
 *
 * Rule: runner-protocol.md §1.11.
 */
export class JobReporter {
  readonly #options: JobReporterOptions;
  readonly #timing: ReportTiming;
  readonly #channel: JobChannel;
  readonly #ending = new AbortController();
  readonly #givingUp = new AbortController();
  #periodic: Promise<void> = Promise.resolve();
  #failures = 0;

  constructor(options: JobReporterOptions) {
    this.#options = options;
    this.#timing = { ...defaultReportTiming, ...options.timing };
    this.#channel = new JobChannel({ ...options, timing: this.#timing });
  }

  /** Tells that the job has begun. Its outcome decides whether it does: only `abort` and `cancelRequested` stop it. */
  async acknowledge(signal: AbortSignal): Promise<JobUpdateOutcome> {
    return await this.#channel.acknowledge(signal);
  }

  /** Begins the periodic reports. They stop by themselves when the job is no longer ours. */
  start(): void {
    this.#periodic = this.#reportPeriodically();
  }

  /** Ends the periodic reports and hands over the rest. @throws the signal's reason: the coordinator then does not know. */
  async finish(final: FinalState, signal: AbortSignal): Promise<FinalUpdateOutcome> {
    await this.#settle();
    return await sendFinalUpdate(this.#channel, {
      final,
      timing: this.#timing,
      maxRounds: this.#options.finalUpdateRetryLimit,
      signal,
    });
  }

  /** Ends the periodic reports, for a job that gets no final update. */
  async leave(): Promise<void> {
    await this.#settle();
  }

  async #settle(): Promise<void> {
    this.#ending.abort(new Error("the job has ended"));
    const giveUp = setTimeout(() => this.#givingUp.abort(new Error("report given up")), this.#timing.settleMs);
    await this.#periodic;
    clearTimeout(giveUp);
  }

  async #reportPeriodically(): Promise<void> {
    try {
      while (!this.#channel.hasAborted) {
        await wait(this.#channel.updateIntervalMs, this.#ending.signal);
        await this.#report(this.#givingUp.signal);
      }
    } catch (error) {
      // Both signals are only ever aborted by the end of the job, which then does the rest itself.
      if (!this.#ending.signal.aborted) this.#options.log.error("job reports stopped", { err: error });
    }
  }

  async #report(signal: AbortSignal): Promise<void> {
    const slice = await this.#channel.sendSlice(signal);
    if (slice.kind === "failed") return this.#noteFailure(slice.why);
    if (slice.kind !== "stored" && slice.kind !== "nothing-new") return;
    if (performance.now() - this.#channel.lastStoredMs > this.#forceSendIntervalMs()) {
      const alive = await this.#channel.sendState({ state: "running" }, signal);
      if (alive.kind === "failed") return this.#noteFailure(alive.why);
    }
    this.#noteRecovery();
  }

  #forceSendIntervalMs(): number {
    if (!this.#options.usesDynamicForceSendInterval) return this.#timing.forceSendIntervalMs;
    return Math.min(Math.max(4 * this.#channel.updateIntervalMs, this.#timing.forceSendIntervalMs), 30 * 60_000);
  }

  #noteFailure(why: Error): void {
    this.#failures += 1;
    if (this.#failures === 1) this.#options.log.warn("job report failed, trying again", { err: why });
  }

  #noteRecovery(): void {
    if (this.#failures > 0) this.#options.log.info("job reports work again", { failures: this.#failures });
    this.#failures = 0;
  }
}
