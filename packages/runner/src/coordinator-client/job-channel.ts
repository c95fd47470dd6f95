import { setTimeout as delay } from "node:timers/promises";
import type {
  CoordinatorClient,
  JobAnswer,
  JobIdentity,
  JobLogPatchOutcome,
  JobUpdate,
  JobUpdateOutcome,
} from "./coordinator-client.ts";
import type { JobLogSource } from "./job-log-source.ts";

/** Times of the job's reports, in milliseconds; the defaults are the protocol's (runner-protocol.md §1.11). */
export interface ReportTiming {
  /** Between two slices of the job log. Default: 3,000. The coordinator may change it up to 15 min. */
  readonly updateIntervalMs: number;
  /** Silence after which the job is reported as still alive. Default: 30,000. */
  readonly forceSendIntervalMs: number;
  /** First wait before another round of the final update; doubles up to 60 min. Default: 1,000. */
  readonly finalRetryDelayMs: number;
  /** How long the end of a job waits for a report under way before it is given up. Default: 10,000. */
  readonly settleMs: number;
}

export const defaultReportTiming: ReportTiming = {
  updateIntervalMs: 3_000,
  forceSendIntervalMs: 30_000,
  finalRetryDelayMs: 1_000,
  settleMs: 10_000,
};

/** Largest slice of the job log (runner-protocol.md §1.9). */
const maxPatchBytes = 1024 * 1024;

export interface JobChannelOptions {
  readonly job: JobIdentity;
  readonly client: Pick<CoordinatorClient, "updateJob" | "patchJobLog">;
  readonly source: JobLogSource;
  readonly isDebugTrace: boolean;
  readonly timing: ReportTiming;
  /** `Job-Status: canceling`: called once at most. */
  readonly onCancel: () => void;
  /** The job is no longer ours: called once at most. */
  readonly onAbort: (why: string) => void;
}

/**
 * What is known of one job's conversation: how far its log is stored, how often to write, what the coordinator wants.
 *
 * One caller at a time.
 */
export class JobChannel {
  readonly #options: JobChannelOptions;
  #isFinal = false;
  #hasCanceled = false;
  #hasAborted = false;

  /** The next byte of the job log to send. */
  offset = 0;
  updateIntervalMs: number;
  /** When the last PATCH or PUT was stored; monotonic ms. */
  lastStoredMs = Number.NEGATIVE_INFINITY;

  constructor(options: JobChannelOptions) {
    this.#options = options;
    this.updateIntervalMs = options.timing.updateIntervalMs;
  }

  get hasAborted(): boolean {
    return this.#hasAborted;
  }

  get hasUnsentLog(): boolean {
    return this.offset < this.#options.source.byteLength;
  }

  /** The job is over: from now on no answer can cancel or abort it. Rule: runner-protocol.md §1.10, "Final update". */
  beginFinal(): void {
    this.#isFinal = true;
    this.updateIntervalMs = this.#options.timing.updateIntervalMs;
  }

  /** Sends at most one slice. `nothing-new` when the coordinator has all there is. */
  async sendSlice(signal: AbortSignal): Promise<JobLogPatchOutcome | { readonly kind: "nothing-new" }> {
    const { source, client, job, isDebugTrace } = this.#options;
    if (!this.hasUnsentLog) return { kind: "nothing-new" };
    const offset = this.offset;
    const bytes = await source.read(offset, maxPatchBytes);
    if (bytes.length === 0) return { kind: "nothing-new" };
    const outcome = await client.patchJobLog({ job, bytes, offset, isDebugTrace }, { signal });
    if (outcome.kind === "stored") {
      this.offset = offset + bytes.length;
      this.lastStoredMs = performance.now();
    }
    if (outcome.kind === "resume-at") this.offset = outcome.offset;
    this.#obey(outcome);
    return outcome;
  }

  /** Tells the job's state, with size and checksum of the log so far. */
  async sendState(update: Omit<JobUpdate, "job" | "log">, signal: AbortSignal): Promise<JobUpdateOutcome> {
    const { source, client, job } = this.#options;
    const log = { crc32: source.crc32(), byteLength: source.byteLength };
    const outcome = await client.updateJob({ ...update, job, log }, { signal });
    if (outcome.kind === "stored") this.lastStoredMs = performance.now();
    this.#obey(outcome);
    return outcome;
  }

  /** The acknowledgement: `state=running` without a log (runner-protocol.md §1.7). */
  async acknowledge(signal: AbortSignal): Promise<JobUpdateOutcome> {
    const { client, job } = this.#options;
    const outcome = await client.updateJob({ job, state: "running" }, { signal });
    if (outcome.updateIntervalMs !== undefined) this.updateIntervalMs = outcome.updateIntervalMs;
    return outcome;
  }

  /** Waits one update interval. @throws the signal's reason. */
  async waitInterval(signal: AbortSignal): Promise<void> {
    await wait(this.updateIntervalMs, signal);
  }

  #obey(answer: JobAnswer & { readonly kind: string; readonly why?: unknown }): void {
    if (answer.updateIntervalMs !== undefined) this.updateIntervalMs = answer.updateIntervalMs;
    if (this.#isFinal) return;
    if (answer.cancelRequested && !this.#hasCanceled) {
      this.#hasCanceled = true;
      this.#options.onCancel();
    }
    if (answer.kind === "abort" && !this.#hasAborted) {
      this.#hasAborted = true;
      this.#options.onAbort(String(answer.why));
    }
  }
}

/** Waits `ms`. @throws the signal's own reason when it is aborted meanwhile. */
export async function wait(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
}
